import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jsonSchema } from '../../src/config/json-schema.ts';

const root = join(import.meta.dirname, '../..');
const app = fastify({
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
});

/** Whether a JSON Schema validator that is not ours accepts a YAML text. */
async function accepts(yaml: string): Promise<boolean> {
  const { statusCode } = await app.inject({
    method: 'POST',
    url: '/',
    payload: parse(yaml, { merge: true }) as object,
  });
  return statusCode === 200;
}

beforeAll(async () => {
  app.post('/', { schema: { body: await jsonSchema() } }, () => 'valid');
  await app.ready();
});
afterAll(() => app.close());

const credential = (line: string) =>
  `credentials: { c: { provider: realer, ${line} } }\nroutes: { /a: { credential: c } }`;

describe('routes.schema.json', () => {
  it('is what `cupbearer schema` prints', async () => {
    const file = readFileSync(join(root, 'routes.schema.json'), 'utf8');
    expect(file, 'run: npm run schema').toBe(`${JSON.stringify(await jsonSchema(), null, 2)}\n`);
  });

  it('accepts the shipped routes.yaml', async () => {
    expect(await accepts(readFileSync(join(root, 'routes.yaml'), 'utf8'))).toBe(true);
  });

  it.each([
    'warm: true',
    'warm: "${WARM}"',
    'warm: "${WARM:-false}"',
    'default_lifetime: "${LIFETIME}"',
    'default_lifetime: 5m',
    'grant_type: "${GRANT}"',
    'tenant: { header: X-Org, max: "${MAX:-10}" }',
    'scope: [a, b]',
    'scope: a b',
    'params: { a: 1, b: null, c: "${X}" }',
    'client_secret: [a, "${B}"]',
    'signing_alg: ES256, private_key: "${file:/key.pem}", assertion_claims: { iss: me, aud: [a] }',
    'audience: a, resource: [https://a.example/, https://b.example/]',
    'tls: { cert: a.pem, key: a.pem }, revoke_on_shutdown: true',
  ])('accepts %s', async (line) => {
    expect(await accepts(credential(line))).toBe(true);
  });

  it.each([
    'warm: maybe',
    'default_lifetime: 5 minutes',
    'grant_type: implicit',
    'tenant: { header: X-Org, max: ten }',
    'clientId: a',
    'tenant: { max: 5 }',
    'client_secret: []',
    'signing_alg: none',
    'assertion_claims: { nested: { a: 1 } }',
  ])('refuses %s', async (line) => {
    expect(await accepts(credential(line))).toBe(false);
  });

  const rest = 'credentials: { c: { provider: realer } }\nroutes: { /a: { credential: c } }\n';

  it.each([
    'store: { url: "memory:" }',
    'store: { url: "sqlite:/var/lib/s.db", key: "${file:/k}" }',
    'store: { url: "${REDIS}", key: [MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=, "${OLD}"] }',
    'server: { replicas: "${REPLICAS:-2}" }',
    'providers: { p: { extends: realer, revoke: null, authorize: { url: /login, pkce: none } } }',
    'providers: { p: { response: { rotation: { grace: 30s, replay_after_grace: true } } } }',
  ])('accepts %s', async (line) => {
    expect(await accepts(rest + line)).toBe(true);
  });

  it.each([
    'store: { url: "postgres://db" }',
    'store: { key: short }',
    'server: { replicas: 0 }',
    'providers: { p: { token: null } }',
    'providers: { p: { authorize: { pkce: plain } } }',
    'providers: { p: { token: { client_auth: basic } } }',
  ])('refuses %s', async (line) => {
    expect(await accepts(rest + line)).toBe(false);
  });

  it('has a description for every key and a default where there is one', async () => {
    const bare: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, value] of Object.entries(node)) {
        if (key !== 'properties') visit(value, path);
        else {
          for (const [name, child] of Object.entries(value as Record<string, { description?: string }>)) {
            if (child.description === undefined) bare.push(`${path}.${name}`);
            visit(child, `${path}.${name}`);
          }
        }
      }
    };
    const schema = await jsonSchema();
    visit(schema, '');
    expect(bare).toEqual([]);
    expect(schema).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      properties: { server: { properties: { listen: { default: '127.0.0.1:8080' } } } },
    });
  });
});

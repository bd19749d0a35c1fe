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
  ])('refuses %s', async (line) => {
    expect(await accepts(credential(line))).toBe(false);
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

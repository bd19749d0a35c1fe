import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVendors, type Vendors } from '../../src/demo/vendors.ts';
import { checkOnline } from './online.ts';

let vendors: Vendors;
beforeAll(async () => {
  vendors = await startVendors();
});
afterAll(() => vendors.close());

const wrong = 'WRONG-SECRET-of-somebody';

/** One credential at a simulated vendor, and a route to its API. */
function at(provider: string, url: string, fields: Readonly<Record<string, string>>): string {
  const text = Object.entries(fields).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `credentials: { one: { provider: ${provider}, base_url: ${url}, ${text.join(', ')} } }
routes: { /one: { credential: one } }
`;
}

interface Case {
  readonly provider: string;
  readonly url: string;
  readonly good: Readonly<Record<string, string>>;
  readonly bad: Readonly<Record<string, string>>;
}

function caseOf(name: string): Case {
  const { env } = vendors;
  const of = (key: string) => env[key] ?? '';
  const cases: Record<string, Case> = {
    realer: {
      provider: 'realer',
      url: of('REALER_URL'),
      good: { client_id: of('REALER_CLIENT_ID'), client_secret: of('REALER_CLIENT_SECRET') },
      bad: { client_secret: wrong },
    },
    revolv3: {
      provider: 'revolv3',
      url: of('REVOLV3_URL'),
      good: { client_id: of('REVOLV3_CLIENT_ID'), client_secret: of('REVOLV3_CLIENT_SECRET') },
      bad: { client_secret: wrong },
    },
    revolution: {
      provider: 'revolution',
      url: of('REVOLUTION_URL'),
      good: { client_id: of('REVOLUTION_CLIENT_ID'), client_secret: of('REVOLUTION_CLIENT_SECRET') },
      bad: { client_secret: wrong },
    },
    rev: {
      provider: 'vbrick-rev-api-key',
      url: of('REV_URL'),
      good: { client_id: of('REV_API_KEY'), client_secret: of('REV_SECRET') },
      bad: { client_secret: wrong },
    },
  };
  const found = cases[name];
  if (found === undefined) throw new Error(`no case ${name}`);
  return found;
}

describe('check --online, at the simulated vendors', () => {
  it.each(['realer', 'revolv3', 'revolution', 'rev'])('gets a token of %s', async (name) => {
    const { provider, url, good } = caseOf(name);
    const { code, credentials, upstreams } = await checkOnline(at(provider, url, good));
    expect([code, credentials[0]?.result, upstreams[0]?.result]).toEqual([0, 'ok', 'ok']);
  });

  it.each(['realer', 'revolv3', 'revolution', 'rev'])(
    'says that the secret for %s is wrong',
    async (name) => {
      const { provider, url, good, bad } = caseOf(name);
      const { code, credentials, out } = await checkOnline(at(provider, url, { ...good, ...bad }));
      expect([code, credentials[0]?.result]).toEqual([1, 'failed']);
      expect(credentials[0]).toMatchObject({
        error: { kind: 'invalid_client' },
        what_to_do: expect.stringMatching(/^check client_id and client_secret/),
      });
      expect(out).not.toContain(wrong);
    },
  );

  it('says that Realer does not know a scope', async () => {
    const { provider, url, good } = caseOf('realer');
    const { credentials } = await checkOnline(at(provider, url, { ...good, scope: 'iot:nothing' }));
    expect(credentials[0]).toMatchObject({
      error: { error: 'invalid_scope' },
      what_to_do: expect.stringMatching(/^check scope/),
    });
  });

  it('says that the address has nothing at the path of its token endpoint', async () => {
    const { good } = caseOf('realer');
    const { url } = caseOf('revolv3');
    const { credentials } = await checkOnline(at('realer', url, good));
    expect(credentials[0]).toMatchObject({
      detail: 'the token endpoint answered 404',
      what_to_do: expect.stringMatching(/^check token\.url/),
      token_url: `${url}/oauth/token`,
    });
  });
});

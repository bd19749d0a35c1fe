import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';
import type { ProviderSpec } from '../../src/provider/provider.ts';

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** One credential `c` (2:3) whose keys are on line 2, and what else the file has, from line 4 on. */
function read(keys: string, rest = '', known: Readonly<Record<string, ProviderSpec>> = presets) {
  const text = `credentials:
  c: { ${keys} }
routes: { /c: { credential: c, upstream: "https://api.acme.example" } }
${rest}`;
  const { config, problems } = load(text, { file: 'routes.yaml', env: {}, presets: known });
  return {
    grant: config?.credentials.c?.grant_type,
    told: problems.map(({ line, path, message }) => `${line} ${path} ${message}`),
  };
}

const client = 'client_id: a, client_secret: b';
const login = `{ extends: realer, grant_types: [password, client_credentials] }`;

describe('a credential without grant_type', () => {
  it.each([
    ['a preset of machines', `provider: paypal, ${client}`, 'client_credentials'],
    ['a preset of people', `provider: slack, ${client}`, 'authorization_code'],
    ['a preset that inherits', `provider: docusign-demo, assertion: a.b.c`, jwtBearer],
    ['a preset of keys', 'provider: bearer-key, token: k', 'static'],
    ['a preset that extends one of keys', `provider: twilio, ${client}`, 'static'],
  ])('has the first grant of %s', (_, keys, grant) => {
    expect(read(keys)).toEqual({
      grant,
      told: expect.not.arrayContaining([expect.stringMatching(/missing/)]),
    });
  });

  it('has client_credentials where the provider names none', () => {
    const acme = 'providers: { acme: { token: { url: "https://id.acme.example/token" } } }\n';
    expect(read(`provider: acme, ${client}`, acme)).toEqual({ grant: 'client_credentials', told: [] });
  });

  it('has the first grant of what its provider extends, unless the provider names its own', () => {
    const rest = `providers:\n  people: { extends: slack }\n  own: { extends: people, grant_types: [refresh_token] }\n  ours: { extends: own }\n`;
    expect(read(`provider: people, ${client}`, rest).grant).toBe('authorization_code');
    expect(read(`provider: ours, ${client}, refresh_token: r`, rest)).toMatchObject({
      grant: 'refresh_token',
    });
  });

  it('has that of an entry named after its preset', () => {
    const rest = `providers: { realer: ${login} }\n`;
    expect(read(`provider: realer, ${client}, username: u, password: p`, rest)).toEqual({
      grant: 'password',
      told: [],
    });
  });

  it('needs no client where its grant needs none', () => {
    expect(read('provider: google-service-account, assertion: a.b.c')).toEqual({
      grant: jwtBearer,
      told: [],
    });
    expect(read('provider: google-service-account').told).toEqual([
      expect.stringMatching(/^2 credentials\.c assertion is missing: grant_type jwt-bearer /),
    ]);
  });

  it('is told of the claims that its key would sign, and of no client', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = JSON.stringify(JSON.stringify(privateKey.export({ format: 'jwk' })));
    const keys = `provider: google-service-account, private_key: ${key}`;
    expect(read(keys).told).toEqual([
      '2 credentials.c assertion_claims is missing: private_key signs them; write assertion_claims: { … } with what the provider wants, such as iss, sub or scope',
    ]);
    expect(read(`${keys}, assertion_claims: { iss: me, scope: drive }`)).toEqual({
      grant: jwtBearer,
      told: [],
    });
  });

  it('is told of a provider that leads nowhere, and of nothing else', () => {
    const rest = 'providers: { a: { extends: b }, b: { extends: a } }\n';
    const { told } = read(`provider: a, ${client}`, rest);
    expect(told.filter((line) => !/extends itself/.test(line))).toEqual([]);
    expect(told).not.toEqual([]);
  });
});

describe('a grant that the provider does not take', () => {
  it('is told where it stands, once, with the way to allow it', () => {
    const { grant, told } = read(
      `provider: google-service-account, ${client}, grant_type: client_credentials`,
    );
    expect(grant).toBeUndefined();
    expect(told).toEqual([
      `2 credentials.c.grant_type provider google-service-account does not take grant_type client_credentials; write ${jwtBearer}, or allow it: providers: { google-service-account: { grant_types: [${jwtBearer}, client_credentials] } }`,
    ]);
  });

  it('is allowed in the way that the message says', () => {
    const keys = `provider: realer, ${client}, grant_type: password, username: u, password: p`;
    const [, allow] = /allow it: (.+)$/.exec(read(keys).told[0] ?? '') ?? [];
    expect(read(keys, `${allow}\n`)).toEqual({ grant: 'password', told: [] });
  });

  it('is no reason to call a key superfluous that only such a grant would use', () => {
    expect(read(`provider: realer, ${client}, refresh_token: r`).told).toEqual([
      '2 credentials.c.refresh_token grant_type client_credentials does not use `refresh_token`; remove it',
    ]);
  });

  it('may be static where the provider has no list', () => {
    expect(read('provider: oauth2, grant_type: static, token: k')).toEqual({ grant: 'static', told: [] });
    expect(read('provider: realer, grant_type: static, token: k').told).toEqual([
      expect.stringContaining(
        'provider realer does not take grant_type static; write client_credentials, or',
      ),
    ]);
  });
});

describe('the presets', () => {
  it('have a session start with a refresh token where people log in', () => {
    for (const [name, { grant_types = [] }] of Object.entries(presets)) {
      if (grant_types.includes('authorization_code'))
        expect([name, grant_types]).toContainEqual(expect.arrayContaining(['refresh_token']));
    }
  });
});

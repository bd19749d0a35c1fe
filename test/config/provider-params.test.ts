import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';
import { rsaCertificate } from '../provider/presets/rsa-certificate.ts';

/* What a vendor's address or parameters need from the credential, and keys with their certificates. */

const pem = String(
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
);

function problems(text: string, KEY = pem): string[] {
  const loaded = load(text, { file: '/etc/cupbearer/routes.yaml', env: { KEY }, presets });
  return loaded.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

const one = (credential: string, providers = '') =>
  `${providers}credentials:\n  x: { ${credential} }\nroutes:\n  /x: { credential: x, upstream: "https://api.example" }\n`;

describe('what a preset needs from the credential', () => {
  const github = 'provider: github-app, client_id: Iv1, private_key: "${KEY}"';
  const zoom = 'provider: zoom-account, client_id: a, client_secret: "${KEY}"';

  test('is told once, with what to write', () => {
    expect(problems(one(github))).toEqual([
      '2:18 provider github-app needs {installation_id}; write params: { installation_id: … }',
    ]);
    expect(problems(one(zoom))).toEqual([
      '2:18 provider zoom-account needs {account_id}; write params: { account_id: … }',
    ]);
  });

  test('is enough as a parameter, also one that names the tenant', () => {
    expect(problems(one(`${github}, params: { installation_id: 1 }`))).toEqual([]);
    const tenant = 'params: { installation_id: "{tenant}" }, tenant: { header: X-Installation }';
    expect(problems(one(`${github}, ${tenant}`))).toEqual([]);
    expect(problems(one(`${zoom}, params: { account_id: a1 }`))).toEqual([]);
  });

  test('is not there when the parameter is taken away', () => {
    expect(problems(one(`${github}, params: { installation_id: null }`))).toHaveLength(1);
  });

  test.each(['auth0', 'okta', 'okta-org', 'entra', 'salesforce'])(
    '%s needs the address of the customer',
    (name) => {
      const proof = name === 'okta-org' ? 'private_key: "${KEY}"' : 'client_secret: "${KEY}"';
      const [told = '', ...more] = problems(one(`provider: ${name}, client_id: a, ${proof}`));
      expect(told).toBe('2:18 the token URL of this provider is relative; give this credential a base_url');
      expect(more).toEqual([]);
    },
  );
});

describe('a client assertion as a placeholder', () => {
  const provider = (client_auth: string) =>
    `providers:\n  p:\n    token: { url: "https://id.example/token", client_auth: ${client_auth}, headers: { Authorization: "Bearer {client_assertion}" } }\n`;

  test('has a value where the client proves itself by one', () => {
    const credential = 'provider: p, client_id: a, private_key: "${KEY}"';
    expect(problems(one(credential, provider('private_key_jwt')))).toEqual([]);
  });

  test('has none elsewhere', () => {
    const credential = 'provider: p, client_id: a, client_secret: "${KEY}"';
    expect(problems(one(credential, provider('client_secret_post')))).toEqual([
      expect.stringContaining('{client_assertion} has no value in the token request of credential x'),
    ]);
  });
});

describe('claims of a provider', () => {
  test('are texts, numbers, lists, or null to leave one out; times are not among them', () => {
    const provider = (claims: string) =>
      `providers:\n  p:\n    token: { url: "https://id.example/token", client_auth: private_key_jwt }\n    assertion_claims: { ${claims} }\n`;
    const credential = 'provider: p, client_id: a, private_key: "${KEY}"';
    expect(problems(one(credential, provider('aud: [a, b], sub: null, level: 3')))).toEqual([]);
    expect(problems(one(credential, provider('exp: 1')))).toEqual([
      '4:25 exp is written anew for each assertion; remove it',
    ]);
  });
});

describe('a private key', () => {
  const signs =
    'provider: entra-assertion, base_url: "https://login.example/t", client_id: a, private_key: "${KEY}"';

  test('may have its certificate beside it, in any order', () => {
    const { path, keyPath, remove } = rsaCertificate();
    const [cert, key] = [readFileSync(path, 'utf8'), readFileSync(keyPath, 'utf8')];
    remove();
    expect(problems(one(signs), `${key}${cert}`)).toEqual([]);
    expect(problems(one(signs), `${cert}${key}`)).toEqual([]);
    expect(problems(one(signs), `${pem}${cert}`)).toEqual([
      expect.stringMatching(
        /^2:\d+ the certificate beside the private key is of another key; write its own, or none$/,
      ),
    ]);
  });

  test('may be the key file of a service account', () => {
    expect(
      problems(one(signs), JSON.stringify({ private_key: pem, private_key_id: 'k', client_email: 'e' })),
    ).toEqual([]);
    expect(problems(one(signs), JSON.stringify({ private_key: 'none' }))).toEqual([
      expect.stringContaining('this is no private key'),
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';

/** A credential `c` of grant_type static with these keys, for a provider `acme` that is `spec`. */
function read(keys: string, spec = '{ extends: bearer-key }', env: Record<string, string> = {}) {
  const text = `credentials:
  c:
    grant_type: static
    ${keys.replaceAll('\n', '\n    ')}
routes: { /c: { credential: c, upstream: "https://api.acme.example" } }
providers:
  acme: ${spec}
`;
  const { config, problems } = load(text, { file: 'routes.yaml', env, presets });
  return { config, told: problems.map(({ line, column, message }) => `${line}:${column} ${message}`) };
}

describe('a credential of grant_type static', () => {
  it.each([
    ['a token', 'provider: acme\ntoken: k\nwarm: true', undefined],
    ['a plain provider', 'provider: oauth2\ntoken: k', undefined],
    ['a vendor that also gives tokens', 'provider: hubspot\ntoken: k', undefined],
    [
      'a vendor whose token URL is relative',
      'provider: acme\nclient_id: u\nclient_secret: p',
      '{ token: { url: /token } }',
    ],
    ['name and password', 'provider: basic-key\nclient_id: u\nclient_secret: p', undefined],
    [
      'two keys',
      'provider: acme\nclient_id: app\nclient_secret: api',
      '{ attach: { header: A, value: "{client_secret}", headers: { B: "{client_id}" } } }',
    ],
  ])('has enough with %s', (title, keys, spec) => {
    const { config, told } = read(keys, spec);
    if (title.startsWith('a vendor whose')) {
      expect(told).toEqual([
        '2:3 token is missing: provider acme sends {access_token}; write token: ${NAME} or ${file:/path}',
        '5:5 client_id is not used: provider acme sends {access_token}; remove it',
        '6:5 client_secret is not used: provider acme sends {access_token}; remove it',
      ]);
      return;
    }
    expect(told).toEqual([]);
    expect(config?.providers.c?.token.url).toBe('');
    expect(config?.providers.c?.revoke).toBeUndefined();
  });

  it.each([
    [
      'nothing to send',
      'provider: acme',
      undefined,
      '2:3 token is missing: provider acme sends {access_token}; write token: ${NAME} or ${file:/path}',
    ],
    [
      'half of Basic',
      'provider: twilio\nclient_id: AC1',
      undefined,
      '2:3 client_secret is missing: provider twilio sends {basic}; write client_secret: ${NAME} or ${file:/path}',
    ],
    [
      'a key beside what is sent',
      'provider: twilio\nclient_id: AC1\nclient_secret: s\ntoken: k',
      undefined,
      '7:5 token is not used: provider twilio sends {basic}; remove it',
    ],
    [
      'a scope, a tenant and a revocation',
      'provider: acme\ntoken: k\nscope: a\ntenant: { header: X-T }\nrevoke_on_shutdown: true',
      undefined,
      '6:5 grant_type static does not use `scope`: nobody is asked for a token; remove it',
      '7:5 grant_type static does not use `tenant`: nobody is asked for a token; remove it',
      '8:5 grant_type static does not use `revoke_on_shutdown`: nobody is asked for a token; remove it',
    ],
    [
      'a key of another grant',
      'provider: acme\ntoken: k\npassword: p',
      undefined,
      '6:5 grant_type static does not use `password`; remove it',
    ],
    [
      'several secrets',
      'provider: basic-key\nclient_id: u\nclient_secret: [a, b]',
      undefined,
      '6:20 grant_type static sends one key; write one, and put the next into its file',
    ],
    [
      'a name with a colon',
      'provider: basic-key\nclient_id: "u:v"\nclient_secret: a',
      undefined,
      '5:16 a user name of Basic has no colon (RFC 7617 §2)',
    ],
    [
      'a token with a line break',
      'provider: acme\ntoken: "a\\nb"',
      undefined,
      '5:12 this may not stand in a header field: visible ASCII, space and tab',
    ],
    [
      'a field of an answer',
      'provider: acme\ntoken: k',
      '{ attach: { value: "{issuedBy} {access_token}" } }',
      '8:28 {issuedBy} has no value with grant_type static; there is {access_token}, {basic}, {client_id} or {client_secret}',
    ],
    [
      'a provider that sends none',
      'provider: acme',
      '{ attach: { value: "Bearer x" } }',
      '7:28 provider acme sends no key: its attach has none of {access_token}, {basic}, {client_id} or {client_secret}',
    ],
  ])('is told %s', (_, keys, spec, ...told) => {
    expect(read(keys, spec).told).toEqual(told);
  });

  it('has no part in other grants: their providers need a token URL, and they no token', () => {
    const text = `credentials:
  a: { provider: acme, client_id: b, client_secret: c }
  b: { provider: realer, client_id: b, client_secret: c, token: k }
routes: { /a: { credential: a, upstream: "https://api.acme.example" }, /b: { credential: b } }
providers: { acme: { attach: { value: "Basic {basic}" } } }
`;
    const { problems } = load(text, { file: 'routes.yaml', env: {}, presets });
    expect(problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '3 grant_type client_credentials does not use `token`; remove it',
      '5 provider "acme" has no token.url; write it, or grant_type: static in a credential whose key is sent as it is',
    ]);
  });
});

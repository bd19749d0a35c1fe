import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt } from 'jose';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, clientCredentials, form, login, read, refused, request } from './page.ts';

describe('auth0', () => {
  const base_url = 'https://acme.eu.auth0.com';
  const client = { id: 'YOUR_CLIENT_ID', secret: 'YOUR_CLIENT_SECRET' };

  test('client credentials as a form with the audience, as on its page', () => {
    const params = { ...clientCredentials, audience: 'YOUR_API_IDENTIFIER' };
    const built = request('auth0', { params, client }, { base_url });
    expect(built).toMatchObject({
      method: 'POST',
      url: 'https://acme.eu.auth0.com/oauth/token',
      headers: form,
    });
    const page =
      'grant_type=client_credentials&client_id=YOUR_CLIENT_ID&client_secret=YOUR_CLIENT_SECRET&audience=YOUR_API_IDENTIFIER';
    expect([...new URLSearchParams(built.body)].sort()).toEqual([...new URLSearchParams(page)].sort());
  });

  test('the login page is told the audience too, and a challenge', () => {
    const params = { audience: 'https://api.acme.example', scope: 'offline_access', code_challenge: 'c1' };
    expect(login('auth0', { params, client }, { base_url })).toEqual({
      page: 'https://acme.eu.auth0.com/authorize',
      params: {
        response_type: 'code',
        client_id: 'YOUR_CLIENT_ID',
        ...params,
        code_challenge_method: 'S256',
      },
    });
  });

  test('the answer of its page is read', () => {
    const body = { access_token: 'eyJz93a...k4laUWw', token_type: 'Bearer', expires_in: 86400 };
    const { result, attach } = read('auth0', 200, body);
    expect(result).toEqual(answered({ lifetimeMs: 86_400_000, refreshToken: undefined, warnings: [] }));
    expect(attach).toEqual(['Authorization', 'Bearer eyJz93a...k4laUWw']);
  });

  test('its refusals', () => {
    const error = (status: number, code: string) => read('auth0', status, { error: code }).result;
    expect(error(401, 'access_denied')).toEqual(refused({ kind: 'config' }));
    expect(error(403, 'invalid_grant')).toEqual(refused({ kind: 'invalid_grant' }));
    expect(error(401, 'invalid_client')).toEqual(refused({ kind: 'invalid_client' }));
    expect(error(429, 'too_many_requests')).toEqual(refused({ kind: 'rate_limited' }));
  });

  test('with a key instead of a secret, the assertion is for the domain with a slash', async () => {
    const vendor = await startVendor({
      'POST /oauth/token': ({ form: sent }) => {
        const { aud, iss, sub, exp = 0, iat = 0 } = decodeJwt(sent.get('client_assertion') ?? '');
        const isGood = aud === `${vendor.origin}/` && iss === 'me' && sub === 'me' && exp - iat <= 300;
        if (!isGood || sent.get('audience') !== 'https://api.acme.example')
          return { status: 401, json: { error: 'invalid_client' } };
        return { json: { access_token: 't1', token_type: 'Bearer', expires_in: 86_400 } };
      },
      'GET /orders': ({ headers }) => ({ json: { by: headers.authorization } }),
    });
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const yaml = `providers:
  auth0: { token: { client_auth: private_key_jwt } }
credentials:
  acme: { provider: auth0, base_url: "${vendor.origin}", client_id: me, private_key: "\${KEY}", audience: "https://api.acme.example", assertion_claims: { aud: "${vendor.origin}/" } }
routes:
  /acme: { credential: acme }
`;
    const { url } = await proxy(yaml, { KEY: String(key.export({ type: 'pkcs8', format: 'pem' })) });
    expect(await (await fetch(`${url}/acme/orders`)).json()).toEqual({ by: 'Bearer t1' });
  });
});

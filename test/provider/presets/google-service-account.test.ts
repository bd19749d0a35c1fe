import { generateKeyPairSync } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, read, refused, request } from './page.ts';

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

describe('google-service-account', () => {
  test('the JWT alone is sent, as on its page', () => {
    const params = { grant_type: jwtBearer, assertion: 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln' };
    const built = request('google-service-account', { params, client: { id: 'unused' } });
    expect(built).toMatchObject({ method: 'POST', url: 'https://oauth2.googleapis.com/token' });
    expect(Object.fromEntries(new URLSearchParams(built.body))).toEqual(params);
  });

  test('the key file says whose key it is, and which', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const account = 'reports@acme.iam.gserviceaccount.com';
    const scope = 'https://www.googleapis.com/auth/drive.readonly';
    const vendor = await startVendor({});
    vendor.script = async (_, { url, form, headers }) => {
      if (url === '/drive/v3/files') return { json: { by: headers.authorization } };
      const assertion = form.get('assertion') ?? '';
      const checked = { audience: `${vendor.origin}/token`, issuer: account, algorithms: ['RS256'] };
      const { payload } = await jwtVerify(assertion, publicKey, checked);
      const { exp = 0, iat = 0 } = payload;
      expect([payload.scope, payload.sub, exp - iat <= 3600]).toEqual([scope, 'boss@acme.example', true]);
      expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'a1b2c3' });
      expect([...form.keys()]).toEqual(['grant_type', 'assertion']);
      return { json: { access_token: 'ya29.t1', scope, token_type: 'Bearer', expires_in: 3600 } };
    };
    const file = {
      type: 'service_account',
      project_id: 'acme',
      private_key_id: 'a1b2c3',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: account,
      token_uri: 'https://oauth2.googleapis.com/token',
    };
    const yaml = `providers:
  google-service-account: { token: { url: "${vendor.origin}/token" } }
credentials:
  google:
    provider: google-service-account
    grant_type: ${jwtBearer}
    private_key: \${KEY}
    assertion_claims: { scope: "${scope}", sub: boss@acme.example }
routes:
  /google: { credential: google, upstream: "${vendor.origin}" }
`;
    const { url } = await proxy(yaml, { KEY: JSON.stringify(file) });
    expect(await (await fetch(`${url}/google/drive/v3/files`)).json()).toEqual({ by: 'Bearer ya29.t1' });
  });

  test('its answers', () => {
    const body = {
      access_token: '1/8xbJqaOZXSUZbHLl5EOtu1pxz3fmmetKx9W8CV4t79M',
      token_type: 'Bearer',
      expires_in: 3600,
    };
    expect(read('google-service-account', 200, body).result).toEqual(
      answered({ lifetimeMs: 3_600_000, warnings: [] }),
    );
    const invalid = { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' };
    expect(read('google-service-account', 400, invalid).result).toEqual(refused({ kind: 'invalid_grant' }));
  });
});

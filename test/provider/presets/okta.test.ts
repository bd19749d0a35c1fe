import { generateKeyPairSync } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { clientCredentials, form, login, read, refused, request } from './page.ts';

describe('okta', () => {
  const base_url = 'https://acme.okta.com/oauth2/default';
  const client = { id: 'id', secret: 'secret' };

  test('client credentials at the authorization server that base_url names', () => {
    const params = { ...clientCredentials, scope: 'orders.read' };
    expect(request('okta', { params, client }, { base_url })).toEqual({
      method: 'POST',
      url: 'https://acme.okta.com/oauth2/default/v1/token',
      headers: [...form, ['authorization', 'Basic aWQ6c2VjcmV0']],
      body: 'grant_type=client_credentials&scope=orders.read',
    });
  });

  test('a login and a revocation there', () => {
    expect(login('okta', { params: { code_challenge: 'c1' }, client }, { base_url }).page).toBe(
      'https://acme.okta.com/oauth2/default/v1/authorize',
    );
    const params = { token: 't1', token_type_hint: 'refresh_token' };
    expect(request('okta', { kind: 'revoke', params, client }, { base_url })).toMatchObject({
      url: 'https://acme.okta.com/oauth2/default/v1/revoke',
      body: 'token=t1&token_type_hint=refresh_token',
    });
  });
});

describe('okta-org', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

  test('a service app proves who it is by its key, for the URL that is asked', async () => {
    const vendor = await startVendor({});
    vendor.script = async (_, { method, url, form: sent, headers }) => {
      if (method === 'GET' && url === '/api/v1/users') return { json: { by: headers.authorization } };
      const jwt = sent.get('client_assertion') ?? '';
      const audience = `${vendor.origin}/oauth2/v1/token`;
      const verified = await jwtVerify(jwt, publicKey, {
        audience,
        issuer: '0oaAcme',
        subject: '0oaAcme',
      }).catch(() => undefined);
      if (
        url !== '/oauth2/v1/token' ||
        headers.authorization !== undefined ||
        !verified ||
        decodeProtectedHeader(jwt).kid !== 'k1'
      ) {
        return {
          status: 401,
          json: { error: 'invalid_client', error_description: 'The client_assertion JWT kid is invalid.' },
        };
      }
      expect(Object.fromEntries(sent)).toMatchObject({
        grant_type: 'client_credentials',
        scope: 'okta.users.read okta.groups.read',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      });
      return {
        json: { token_type: 'Bearer', expires_in: 3600, access_token: 't1', scope: sent.get('scope') },
      };
    };
    const yaml = `credentials:
  okta: { provider: okta-org, base_url: "${vendor.origin}", client_id: 0oaAcme, private_key: "\${KEY}", private_key_id: k1, scope: [okta.users.read, okta.groups.read] }
routes:
  /okta: { credential: okta }
`;
    const { url } = await proxy(yaml, { KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) });
    expect(await (await fetch(`${url}/okta/api/v1/users`)).json()).toEqual({ by: 'Bearer t1' });
  });

  test('a token that wants proof by DPoP is none that can be used', () => {
    const body = { token_type: 'DPoP', expires_in: 3600, access_token: 't1' };
    expect(read('okta-org', 200, body).result).toEqual(refused({ kind: 'config' }));
    const missing = {
      error: 'invalid_dpop_proof',
      error_description: 'The DPoP proof JWT header is missing.',
    };
    expect(read('okta-org', 400, missing).result).toEqual(
      refused({ kind: 'config', error: 'invalid_dpop_proof' }),
    );
  });
});

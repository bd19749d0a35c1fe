import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, clientCredentials, form, login, read, refused, request } from './page.ts';

const client = { id: 'Client_ID', secret: 'Client_Secret' };
/** As its page shows it. */
const authorization = 'Basic Q2xpZW50X0lEOkNsaWVudF9TZWNyZXQ=';

describe('zoom', () => {
  test('a refresh by HTTP Basic with a form, as on its page', () => {
    const params = { grant_type: 'refresh_token', refresh_token: 'REFRESH' };
    expect(request('zoom', { kind: 'refresh', params, client })).toEqual({
      method: 'POST',
      url: 'https://zoom.us/oauth/token',
      headers: [...form, ['authorization', authorization]],
      body: 'grant_type=refresh_token&refresh_token=REFRESH',
    });
  });

  test('a login has a challenge', () => {
    expect(login('zoom', { params: { code_challenge: 'c1' }, client })).toEqual({
      page: 'https://zoom.us/oauth/authorize',
      params: {
        response_type: 'code',
        client_id: 'Client_ID',
        code_challenge: 'c1',
        code_challenge_method: 'S256',
      },
    });
  });

  test('its answers', () => {
    const body = {
      access_token: 'eyJ',
      token_type: 'bearer',
      refresh_token: 'next',
      expires_in: 3599,
      scope: 'user:read:user',
    };
    expect(read('zoom', 200, body).result).toEqual(
      answered({ lifetimeMs: 3_599_000, refreshToken: 'next', warnings: [] }),
    );
    const invalid = { reason: 'Invalid client_id or client_secret', error: 'invalid_client' };
    expect(read('zoom', 400, invalid).result).toEqual(refused({ kind: 'invalid_client' }));
    expect(read('zoom', 401, { reason: 'Invalid Token!', error: 'invalid_grant' }).result).toEqual(
      refused({ kind: 'invalid_grant' }),
    );
  });
});

describe('zoom-account', () => {
  test('an account asks with account_credentials, as on its page', () => {
    const credentialParams = { account_id: 'ABC123' };
    const params = { ...clientCredentials, scope: 'meeting:read' };
    expect(request('zoom-account', { params, client, credentialParams })).toEqual({
      method: 'POST',
      url: 'https://zoom.us/oauth/token',
      headers: [...form, ['authorization', authorization]],
      body: 'grant_type=account_credentials&account_id=ABC123',
    });
  });

  test('a call goes through', async () => {
    const vendor = await startVendor({
      'POST /oauth/token': ({ form: sent, headers }) =>
        sent.get('account_id') === 'ABC123' && headers.authorization === authorization
          ? {
              json: {
                access_token: 't1',
                token_type: 'bearer',
                expires_in: 3600,
                api_url: 'https://api.zoom.us',
              },
            }
          : { status: 400, json: { reason: 'unsupported grant type', error: 'unsupported_grant_type' } },
      'GET /v2/users/me': ({ headers }) => ({ json: { by: headers.authorization } }),
    });
    const yaml = `providers:
  zoom-account: { token: { url: "${vendor.origin}/oauth/token" } }
credentials:
  zoom: { provider: zoom-account, base_url: "${vendor.origin}/v2", client_id: Client_ID, client_secret: "\${SECRET}", params: { account_id: ABC123 } }
routes:
  /zoom: { credential: zoom }
`;
    const { url } = await proxy(yaml, { SECRET: 'Client_Secret' });
    expect(await (await fetch(`${url}/zoom/users/me`)).json()).toEqual({ by: 'Bearer t1' });
  });
});

import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, form, login, read, refused, request } from './page.ts';

describe('hubspot', () => {
  const client = { id: 'app', secret: 's&cret' };

  test('a refresh as a form with the client in it, as on its page', () => {
    const params = { grant_type: 'refresh_token', refresh_token: 'r1' };
    expect(request('hubspot', { kind: 'refresh', params, client })).toEqual({
      method: 'POST',
      url: 'https://api.hubapi.com/oauth/2026-03/token',
      headers: form,
      body: 'grant_type=refresh_token&refresh_token=r1&client_id=app&client_secret=s%26cret',
    });
  });

  test('a refresh token is revoked as on its page', () => {
    const params = { token: 'r1', token_type_hint: 'refresh_token' };
    expect(request('hubspot', { kind: 'revoke', params, client })).toEqual({
      method: 'POST',
      url: 'https://api.hubapi.com/oauth/2026-03/token/revoke',
      headers: form,
      body: 'token=r1&token_type_hint=refresh_token&client_id=app&client_secret=s%26cret',
    });
  });

  test('a login has no challenge', () => {
    const params = {
      redirect_uri: 'https://app.example/cb',
      scope: 'oauth',
      state: 's',
      code_challenge: 'c',
    };
    expect(login('hubspot', { params, client })).toEqual({
      page: 'https://app.hubspot.com/oauth/authorize',
      params: {
        response_type: 'code',
        client_id: 'app',
        redirect_uri: 'https://app.example/cb',
        scope: 'oauth',
        state: 's',
      },
    });
  });

  test('its answers: half an hour, and a refresh token that is no longer good in both forms', () => {
    const body = { access_token: 'a', refresh_token: 'r2', expires_in: 1800, token_type: 'bearer' };
    expect(read('hubspot', 200, body).result).toEqual(
      answered({ lifetimeMs: 1_800_000, refreshToken: 'r2', warnings: [] }),
    );
    const message = 'refresh token is invalid, expired or revoked';
    for (const error of [{}, { error: 'invalid_grant', error_description: message }]) {
      expect(read('hubspot', 400, { ...error, status: 'BAD_REFRESH_TOKEN', message }).result).toEqual(
        refused({ kind: 'invalid_grant', error: 'invalid_grant' }),
      );
    }
  });

  test('a proxied call, by a session and by the token of a private app', async () => {
    const vendor = await startVendor({
      'POST /oauth/2026-03/token': ({ form, headers }) =>
        headers.authorization === undefined &&
        form.get('client_secret') === 's' &&
        form.get('refresh_token') === 'r1'
          ? { json: { access_token: 'at', expires_in: 1800, token_type: 'bearer' } }
          : { status: 400, json: { error: 'invalid_grant', status: 'BAD_REFRESH_TOKEN' } },
      'GET /crm/v3/objects/contacts': ({ headers }) => ({ json: headers.authorization }),
    });
    const { url } = await proxy(`
credentials:
  session: { provider: hubspot, base_url: "${vendor.origin}", grant_type: refresh_token, refresh_token: r1, client_id: app, client_secret: s }
  private: { provider: hubspot, base_url: "${vendor.origin}", grant_type: static, token: pat-eu1-0123 }
routes: { /session: { credential: session }, /private: { credential: private } }
`);
    const get = async (path: string) => (await fetch(`${url}${path}/crm/v3/objects/contacts`)).json();
    expect(await get('/session')).toBe('Bearer at');
    expect(await get('/private')).toBe('Bearer pat-eu1-0123');
  });
});

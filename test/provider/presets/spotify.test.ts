import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, clientCredentials, form, login, read, refused, request } from './page.ts';

describe('spotify', () => {
  const client = { id: 'id', secret: 'secret' };
  const authorization = `Basic ${btoa('id:secret')}`;

  test.each([
    ['token', clientCredentials, 'grant_type=client_credentials'],
    [
      'refresh',
      { grant_type: 'refresh_token', refresh_token: 'NgAagA' },
      'grant_type=refresh_token&refresh_token=NgAagA',
    ],
  ] as const)('%s by HTTP Basic with a form, as on its page', (kind, params, body) => {
    expect(request('spotify', { kind, params, client })).toEqual({
      method: 'POST',
      url: 'https://accounts.spotify.com/api/token',
      headers: [...form, ['authorization', authorization]],
      body,
    });
  });

  test('a login with a secret has no challenge', () => {
    const params = {
      redirect_uri: 'http://127.0.0.1:9090/cb',
      scope: 'user-read-email',
      code_challenge: 'c',
    };
    const { page, params: sent } = login('spotify', { params, client });
    expect(page).toBe('https://accounts.spotify.com/authorize');
    expect(sent).not.toHaveProperty('code_challenge');
  });

  test('its answers, with a refresh token and without', () => {
    const body = { access_token: 'NgCXRK', token_type: 'Bearer', scope: 'user-read-email', expires_in: 3600 };
    expect(read('spotify', 200, body).result).toEqual(
      answered({ lifetimeMs: 3_600_000, refreshToken: undefined, warnings: [] }),
    );
    expect(read('spotify', 200, { ...body, refresh_token: 'NgAagA' }).result).toEqual(
      answered({ refreshToken: 'NgAagA' }),
    );
    expect(read('spotify', 400, { error: 'invalid_client' }).result).toEqual(
      refused({ kind: 'invalid_client' }),
    );
    expect(
      read('spotify', 400, { error: 'invalid_grant', error_description: 'Refresh token revoked' }).result,
    ).toEqual(refused({ kind: 'invalid_grant' }));
  });

  test('a refresh token that is not given again stays', async () => {
    const vendor = await startVendor({
      'POST /api/token': ({ headers, form }) =>
        headers.authorization === authorization && form.get('refresh_token') === 'r1'
          ? { json: { access_token: `at-${vendor.calls.length}`, token_type: 'Bearer', expires_in: 2 } }
          : { status: 400, json: { error: 'invalid_grant' } },
      'GET /v1/me': ({ headers }) => ({ json: headers.authorization }),
    });
    const { url, clock } = await proxy(`
providers: { spotify: { token: { url: "${vendor.origin}/api/token" } } }
credentials:
  me: { provider: spotify, base_url: "${vendor.origin}", grant_type: refresh_token, refresh_token: r1, client_id: id, client_secret: secret }
routes: { /me: { credential: me } }
`);
    const me = async () => (await fetch(`${url}/me/v1/me`)).json();
    expect(await me()).toBe('Bearer at-1');
    clock.advance(1_500);
    expect(await me()).not.toBe('Bearer at-1');
    const refreshes = vendor.calls.filter(({ method }) => method === 'POST');
    expect(new Set(refreshes.map(({ form }) => form.get('refresh_token')))).toEqual(new Set(['r1']));
  });
});

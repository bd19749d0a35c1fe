import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { presets } from '../../../src/provider/presets.ts';
import { resolveProvider } from '../../../src/provider/resolve.ts';
import { proxy, startVendor } from './live.ts';
import { answered, clientCredentials, form, login, read, refused, request } from './page.ts';

describe('xero', () => {
  const client = { id: 'id', secret: 'a+b/c' };
  const authorization = `Basic ${btoa('id:a+b/c')}`;

  test('a refresh by HTTP Basic, nothing encoded before base64', () => {
    const params = { grant_type: 'refresh_token', refresh_token: 'r1' };
    expect(request('xero', { kind: 'refresh', params, client })).toEqual({
      method: 'POST',
      url: 'https://identity.xero.com/connect/token',
      headers: [...form, ['authorization', authorization]],
      body: 'grant_type=refresh_token&refresh_token=r1',
    });
  });

  test('a custom connection asks with its scope', () => {
    const params = { ...clientCredentials, scope: 'accounting.transactions' };
    expect(request('xero', { params, client }).body).toBe(
      'grant_type=client_credentials&scope=accounting.transactions',
    );
  });

  test('the refresh token is revoked by HTTP Basic with token alone', () => {
    const params = { token: 'r1', token_type_hint: 'refresh_token' };
    expect(request('xero', { kind: 'revoke', params, client })).toEqual({
      method: 'POST',
      url: 'https://identity.xero.com/connect/revocation',
      headers: [...form, ['authorization', authorization]],
      body: 'token=r1',
    });
  });

  test('a login of a web app has no challenge', () => {
    const params = { redirect_uri: 'https://app.example/cb', scope: 'offline_access', code_challenge: 'c' };
    const { page, params: sent } = login('xero', { params, client });
    expect(page).toBe('https://login.xero.com/identity/connect/authorize');
    expect(sent).not.toHaveProperty('code_challenge');
  });

  test('a refresh token may come again for half an hour', () => {
    const { rotation } = resolveProvider('xero', presets.xero ?? {}, presets).response;
    expect(rotation.grace).toBeGreaterThan(1_700_000);
    expect(rotation.grace).toBeLessThan(1_800_000);
  });

  test('its answers', () => {
    const body = { access_token: 'a', refresh_token: 'r2', expires_in: 1800, token_type: 'Bearer' };
    expect(read('xero', 200, body).result).toEqual(
      answered({ lifetimeMs: 1_800_000, refreshToken: 'r2', warnings: [] }),
    );
    expect(read('xero', 400, { error: 'invalid_grant' }).result).toEqual(refused({ kind: 'invalid_grant' }));
    expect(read('xero', 400, { error: 'invalid_client' }).result).toEqual(
      refused({ kind: 'invalid_client' }),
    );
  });

  test('a call for the organisation that the route names', async () => {
    const vendor = await startVendor({
      'POST /connect/token': ({ headers, form }) =>
        headers.authorization === authorization && !form.has('client_id')
          ? { json: { access_token: 'at', expires_in: 1800, token_type: 'Bearer' } }
          : { status: 400, json: { error: 'invalid_client' } },
      'GET /api.xro/2.0/Invoices': ({ headers }) =>
        headers['xero-tenant-id'] === 'org-1'
          ? { json: headers.authorization }
          : { status: 403, json: { title: 'Forbidden', detail: 'AuthenticationUnsuccessful' } },
    });
    const { url } = await proxy(`
providers: { xero: { base_url: "${vendor.origin}", token: { url: "${vendor.origin}/connect/token" } } }
credentials: { books: { provider: xero, client_id: id, client_secret: a+b/c, scope: accounting.transactions } }
routes: { /books: { credential: books, headers: { set: { Xero-Tenant-Id: org-1 } } } }
`);
    expect(await (await fetch(`${url}/books/api.xro/2.0/Invoices`)).json()).toBe('Bearer at');
  });
});

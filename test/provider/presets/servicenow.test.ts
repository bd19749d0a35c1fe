import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, clientCredentials, form, read, refused, request } from './page.ts';

const base = 'https://acme.service-now.com';
const client = { id: 'be3aeb58', secret: 'client_password' };
const spec = { base_url: base };

describe('servicenow', () => {
  test.each([
    ['token', { grant_type: 'password', username: 'admin', password: 'p' }],
    ['token', clientCredentials],
    ['refresh', { grant_type: 'refresh_token', refresh_token: 'r1' }],
  ] as const)('%s as a form with the client in it: %o', (kind, params) => {
    const built = request('servicenow', { kind, params, client }, spec);
    expect(built).toMatchObject({ method: 'POST', url: `${base}/oauth_token.do`, headers: form });
    expect(Object.fromEntries(new URLSearchParams(built.body))).toEqual({
      ...params,
      client_id: 'be3aeb58',
      client_secret: 'client_password',
    });
  });

  test('a token is revoked by its query alone, without the client', () => {
    const params = { token: 'a b', token_type_hint: 'access_token' };
    expect(request('servicenow', { kind: 'revoke', params, client }, spec)).toEqual({
      method: 'GET',
      url: `${base}/oauth_revoke_token.do?token=a+b`,
      headers: [['accept', 'application/json']],
      body: undefined,
    });
  });

  test('its answers: a refresh token with a password, none with a refresh; what it says of a wrong password', () => {
    const body = { access_token: 'a', scope: 'useraccount', token_type: 'Bearer', expires_in: 1799 };
    expect(read('servicenow', 200, { ...body, refresh_token: 'r1' }).result).toEqual(
      answered({ lifetimeMs: 1_799_000, refreshToken: 'r1', warnings: [] }),
    );
    expect(read('servicenow', 200, body).result).toEqual(answered({ refreshToken: undefined }));
    const refusal = { error_description: 'access_denied', error: 'server_error' };
    expect(read('servicenow', 401, refusal).result).toEqual(
      refused({ kind: 'config', error: 'access_denied' }),
    );
    expect(read('servicenow', 500, { error: 'server_error' }).result).toEqual(refused({ kind: 'transient' }));
  });

  test('a call of the instance; a wrong password is tried once', async () => {
    const vendor = await startVendor({
      'POST /oauth_token.do': ({ form, headers }) =>
        headers['content-type'] === 'application/x-www-form-urlencoded' && form.get('password') === 'good'
          ? { json: { access_token: 'at', refresh_token: 'r', token_type: 'Bearer', expires_in: 1799 } }
          : { status: 401, json: { error_description: 'access_denied', error: 'server_error' } },
      'GET /api/now/table/incident': ({ headers }) => ({ json: headers.authorization }),
    });
    const one = (name: string, password: string) =>
      `  ${name}: { provider: servicenow, base_url: "${vendor.origin}", grant_type: password, username: u, password: ${password}, client_id: i, client_secret: s }`;
    const { url } = await proxy(`
credentials:
${one('now', 'good')}
${one('wrong', 'bad')}
routes: { /now: { credential: now }, /wrong: { credential: wrong } }
`);
    const get = (path: string) => fetch(`${url}${path}/api/now/table/incident`);
    expect(await (await get('/now')).json()).toBe('Bearer at');
    for (let i = 0; i < 3; i++) expect((await get('/wrong')).status).toBe(502);
    expect(vendor.calls.filter(({ form }) => form.get('password') === 'bad')).toHaveLength(1);
  });
});

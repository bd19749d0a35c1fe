import { fetch } from 'undici';
import { describe, expect, test } from 'vitest';
import { proxy, startVendor } from './live.ts';
import { answered, form, json, login, read, refused, request } from './page.ts';

describe('quickbooks', () => {
  const client = { id: 'id', secret: 'secret' };
  const authorization = `Basic ${btoa('id:secret')}`;

  test('a refresh by HTTP Basic with a form, as its own client sends it', () => {
    const params = { grant_type: 'refresh_token', refresh_token: 'AB1' };
    expect(request('quickbooks', { kind: 'refresh', params, client })).toEqual({
      method: 'POST',
      url: 'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer',
      headers: [...form, ['authorization', authorization]],
      body: 'grant_type=refresh_token&refresh_token=AB1',
    });
  });

  test('a token is revoked by JSON with token alone, as its own client does', () => {
    const params = { token: 'AB1', token_type_hint: 'refresh_token' };
    expect(request('quickbooks', { kind: 'revoke', params, client })).toEqual({
      method: 'POST',
      url: 'https://developer.api.intuit.com/v2/oauth2/tokens/revoke',
      headers: [...json, ['authorization', authorization]],
      body: '{"token":"AB1"}',
    });
  });

  test('a login has what its own client sends', () => {
    const scope = 'com.intuit.quickbooks.accounting';
    const params = { redirect_uri: 'https://app.example/cb', scope, state: 's', code_challenge: 'c' };
    expect(login('quickbooks', { params, client })).toEqual({
      page: 'https://appcenter.intuit.com/connect/oauth2',
      params: {
        response_type: 'code',
        client_id: 'id',
        redirect_uri: 'https://app.example/cb',
        scope,
        state: 's',
      },
    });
  });

  test('its answers: an hour, and the refresh token of the day', () => {
    const body = {
      token_type: 'bearer',
      expires_in: 3600,
      refresh_token: 'AB2',
      x_refresh_token_expires_in: 8_726_400,
      access_token: 'a',
    };
    expect(read('quickbooks', 200, body).result).toEqual(
      answered({ lifetimeMs: 3_600_000, refreshToken: 'AB2', warnings: [] }),
    );
    const error_description = 'Incorrect Token type or clientID';
    expect(read('quickbooks', 400, { error: 'invalid_grant', error_description }).result).toEqual(
      refused({ kind: 'invalid_grant' }),
    );
    expect(read('quickbooks', 401, { error: 'invalid_client' }).result).toEqual(
      refused({ kind: 'invalid_client' }),
    );
  });

  test('a call of the company in its path, with the refresh token that came last', async () => {
    let current = 'AB1';
    let issued = 0;
    const vendor = await startVendor({
      'POST /oauth2/v1/tokens/bearer': ({ headers, form }) => {
        if (headers.authorization !== authorization || form.get('refresh_token') !== current)
          return { status: 400, json: { error: 'invalid_grant' } };
        current = 'AB2';
        const answer = {
          access_token: `at-${++issued}`,
          refresh_token: current,
          expires_in: 3600,
        };
        return { json: { ...answer, token_type: 'bearer', x_refresh_token_expires_in: 8_726_400 } };
      },
      'GET /v3/company/9130/companyinfo/9130': ({ headers }) =>
        headers.authorization === 'Bearer at-1'
          ? { status: 401, headers: { intuit_tid: '1-x' }, json: { fault: { type: 'AUTHENTICATION' } } }
          : { json: headers.authorization },
    });
    const { url, clock } = await proxy(`
providers: { quickbooks: { token: { url: "${vendor.origin}/oauth2/v1/tokens/bearer" } } }
credentials:
  books: { provider: quickbooks, base_url: "${vendor.origin}", grant_type: refresh_token, refresh_token: AB1, client_id: id, client_secret: secret }
routes: { /books: { credential: books } }
`);
    const get = () => fetch(`${url}/books/v3/company/9130/companyinfo/9130`);
    const first = await get();
    expect([first.status, first.headers.get('intuit_tid')]).toEqual([401, '1-x']);
    clock.advance(3_000);
    expect(await (await get()).json()).toBe('Bearer at-2');
    expect(current).toBe('AB2');
  });
});

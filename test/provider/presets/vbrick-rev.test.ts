import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { answered, json, login, read, refused, request } from './page.ts';

describe('vbrick-rev', () => {
  const base_url = 'https://rev.customer.example';
  const page = {
    authCode:
      'nxkJnMQVKdGiQm18vdzq5yXTZLSw5bFHvXHcUl9x6DuhbEiQ2fC6U872CNS3M6ORyz-K6JFMFI8U0rzxxC5xo_c6dMyLd1h9OLZsRbtK8Sc1',
    apiKey: '1234qwer',
    redirectUri: 'https://url.company.com/webpage',
    refreshToken: '8OuGKKxt5KBBq0bRgrtYZhTwDyX8bhqmpOhrrZTt3ygDyX8bhqmpOhrrZTt3ygDyX8bhqmpOhrrZTt3yg',
  };
  const params = { grant_type: 'refresh_token', refresh_token: page.refreshToken };
  const client = { id: page.apiKey, secret: 'never sent' };

  test('a session is extended with apiKey, grantType and refreshToken', () => {
    expect(request('vbrick-rev', { kind: 'refresh', params, client }, { base_url })).toEqual({
      method: 'POST',
      url: 'https://rev.customer.example/api/v2/oauth/token',
      headers: json,
      body: `{"grantType":"refresh_token","refreshToken":"${page.refreshToken}","apiKey":"1234qwer"}`,
    });
  });

  test('authCode and redirectUri, which its page calls required, come from the credential', () => {
    const credentialParams = { code: page.authCode, redirect_uri: page.redirectUri };
    const { body } = request(
      'vbrick-rev',
      { kind: 'refresh', params, client, credentialParams },
      { base_url },
    );
    expect(JSON.parse(body ?? '')).toEqual({ ...page, grantType: 'refresh_token' });
  });

  test('a login gave them, and every extension carries them; without one they are left out', () => {
    const placeholders = { code: page.authCode, redirect_uri: page.redirectUri };
    const { body } = request('vbrick-rev', { kind: 'refresh', params, client, placeholders }, { base_url });
    expect(JSON.parse(body ?? '')).toEqual({ ...page, grantType: 'refresh_token' });
  });

  test('a code is exchanged with authCode, apiKey, grantType and redirectUri', () => {
    const exchange = {
      grant_type: 'authorization_code',
      code: page.authCode,
      redirect_uri: page.redirectUri,
    };
    const { url, body } = request('vbrick-rev', { kind: 'exchange', params: exchange, client }, { base_url });
    expect(url).toBe('https://rev.customer.example/api/v2/oauth/token');
    const { refreshToken, ...rest } = page;
    expect(JSON.parse(body ?? '')).toEqual({ ...rest, grantType: 'authorization_code' });
    expect(body).not.toContain(refreshToken);
  });

  test('a login is signed with the secret of the API key, as on its page', () => {
    const params = { redirect_uri: page.redirectUri, scope: 'all', state: 's1', code_challenge: 'c1' };
    const verifier = '1234qwer::2017-08-31T15:00:10.495Z';
    expect(
      login('vbrick-rev', { params, client: { id: page.apiKey, secret: 'key secret' } }, { base_url }),
    ).toEqual({
      page: 'https://rev.customer.example/api/v2/oauth/authorization',
      params: {
        apiKey: '1234qwer',
        response_type: 'code',
        redirect_uri: page.redirectUri,
        state: 's1',
        verifier,
        signature: createHmac('sha256', 'key secret').update(verifier).digest('base64'),
      },
    });
  });

  test('there is no address but the one of the customer', () => {
    expect(() => request('vbrick-rev', { kind: 'refresh', params, client })).toThrow(/base_url/);
  });

  const example = {
    accessToken: page.authCode,
    refreshToken: 'LSw5bFHvXHcUl9x6DuhbEiQ2fC6U872CNS3M6ORyz-K6JFMFI8U0rzxxC5xo_c6dMyLd1h9OLZsRb',
    userId: 'b9a38810-cd84-480c-8232-5ec6320a6b47',
    expiration: '2017-08-31T15:00:10.495Z',
    issuedBy: 'VBrick',
  };

  test('the answer of its page is read, and the scheme is VBrick', () => {
    const { result, attach } = read('vbrick-rev', 200, example, Date.UTC(2017, 7, 31, 14, 40, 10, 495));
    expect(result).toEqual(
      answered({
        accessToken: example.accessToken,
        refreshToken: example.refreshToken,
        lifetimeMs: 1_200_000,
        lifetimeKnown: true,
        warnings: [],
      }),
    );
    expect(attach).toEqual(['Authorization', `VBrick ${example.accessToken}`]);
  });

  test('an answer without issuedBy and with an unreadable date still works, for 10 minutes', () => {
    const { result, attach } = read('vbrick-rev', 200, { accessToken: 'tok', expiration: 'soon' });
    expect(result).toEqual(answered({ lifetimeMs: 600_000, lifetimeKnown: false }));
    expect(attach).toEqual(['Authorization', 'VBrick tok']);
  });

  test('its refusals', () => {
    expect(read('vbrick-rev', 401, { code: 'Unauthorized', detail: 'x' }).result).toEqual(
      refused({ kind: 'invalid_client' }),
    );
    expect(read('vbrick-rev', 500, '<html>', 0, 'text/html').result).toEqual(refused({ kind: 'transient' }));
    expect(read('vbrick-rev', 429, 'Too many', 0, 'text/plain').result).toEqual(
      refused({ kind: 'rate_limited' }),
    );
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RevolutionVendor, startRevolution } from '../../src/demo/revolution.ts';
import { get, postJson } from './calls.ts';
import { answerOf, challenge, hidden, open, type Page, passwordOf, submit, verifier } from './pages.ts';

let vendor: RevolutionVendor;
let now = 1_700_000_000_000;
beforeEach(async () => {
  vendor = await startRevolution({ now: () => now });
});
afterEach(() => vendor.close());

const redirectUri = 'http://127.0.0.1:49152/callback';
const authorizeUrl = (change: Record<string, string | undefined> = {}) => {
  const asked = {
    response_type: 'code',
    client_id: vendor.appId,
    redirect_uri: redirectUri,
    state: 'state with + and &',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...change,
  };
  const given = Object.entries(asked).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `${vendor.url}/v1/auth/authorize?${new URLSearchParams(given)}`;
};
const logIn = async (change: Record<string, string | undefined> = {}) =>
  submit(await open(authorizeUrl(change)), passwordOf(vendor.user));
const consent = async (change: Record<string, string | undefined> = {}) => submit(await logIn(change), {});
const exchange = (page: Page, change: Record<string, unknown> = {}) =>
  postJson(`${vendor.url}/v1/auth/token`, {
    code: answerOf(page).code,
    code_verifier: verifier,
    client_id: vendor.appId,
    redirect_uri: redirectUri,
    ...change,
  });
const devices = (token: unknown) => get(`${vendor.url}/v1/devices`, { Authorization: `Bearer ${token}` });
const refresh = (refresh_token: unknown) =>
  postJson(`${vendor.url}/v1/auth/token`, {
    grant_type: 'refresh_token',
    client_id: vendor.appId,
    refresh_token,
  });
const invalidGrant = { status: 400, json: { error: 'invalid_grant' } };

describe('the login', () => {
  test('goes by password and consent back to the app, whose code brings a token', async () => {
    const page = await consent();
    expect(page.status).toBe(302);
    expect(page.location?.href.startsWith(`${redirectUri}?`)).toBe(true);
    expect(answerOf(page)).toEqual({
      code: expect.any(String),
      state: 'state with + and &',
      iss: vendor.url,
    });
    expect(vendor.logins).toBe(1);

    const { status, json } = await exchange(page);
    expect(status).toBe(200);
    expect((await devices(json.access_token)).status).toBe(200);
    expect((await refresh(json.refresh_token)).status).toBe(200);
  });

  test('asks again after a wrong password, with 401, and gives nothing', async () => {
    const first = await open(authorizeUrl());
    const again = await submit(first, { username: vendor.user.name, password: 'wrong' });
    expect(again.status).toBe(401);
    expect(again.text).toContain('is wrong');
    expect(again.location).toBeUndefined();
    expect(vendor.logins).toBe(0);
    expect((await submit(await submit(again, passwordOf(vendor.user)), {})).status).toBe(302);
  });

  test.each([
    ['password', () => open(authorizeUrl())],
    ['consent', () => logIn()],
  ])('tells the app that it was cancelled at the %s', async (_step, reach) => {
    const page = await submit(await reach(), {}, 'cancel');
    expect(page.status).toBe(302);
    expect(answerOf(page)).toEqual({
      error: 'access_denied',
      state: 'state with + and &',
      iss: vendor.url,
    });
    expect(vendor.logins).toBe(0);
  });

  test('sends back no state when there was none', async () => {
    expect(answerOf(await consent({ state: undefined }))).not.toHaveProperty('state');
  });

  test('cannot skip the password', async () => {
    const page = await submit(await open(authorizeUrl()), { username: '', password: '', choice: 'yes' });
    expect(page.status).toBe(401);
    expect(page.location).toBeUndefined();
  });
});

describe('a form', () => {
  test('is good for one sending', async () => {
    const form = await logIn();
    expect((await submit(form, {})).status).toBe(302);
    const second = await submit(form, {});
    expect(second.status).toBe(400);
    expect(second.location).toBeUndefined();
    expect(vendor.logins).toBe(1);
  });

  test('without its ticket, or with another, is refused', async () => {
    const form = await open(authorizeUrl());
    expect(hidden(form).ticket).toMatch(/^[\w-]{32}$/);
    for (const ticket of ['', 'x'.repeat(32)]) {
      const page = await submit(form, { ...passwordOf(vendor.user), ticket });
      expect(page.status).toBe(400);
      expect(page.location).toBeUndefined();
    }
  });

  test('is good for ten minutes', async () => {
    const form = await open(authorizeUrl());
    now += 600_000;
    expect((await submit(form, passwordOf(vendor.user))).status).toBe(400);
  });
});

describe('the authorization endpoint', () => {
  test.each([
    ['an unknown client', { client_id: 'app_unknown' }],
    ['no client', { client_id: undefined }],
    ['no redirect URI', { redirect_uri: undefined }],
    ['another host', { redirect_uri: 'https://evil.example.com/callback' }],
    ['the registered host with another path', { redirect_uri: 'https://app.example.com/callback/../other' }],
    ['the registered address with a query', { redirect_uri: 'https://app.example.com/callback?x=1' }],
    ['a host that begins like loopback', { redirect_uri: 'http://127.0.0.1.evil.example.com/callback' }],
    ['loopback as user information', { redirect_uri: 'http://127.0.0.1:80@evil.example.com/callback' }],
    ['loopback with another path', { redirect_uri: 'http://127.0.0.1:1234/other' }],
    ['loopback with an impossible port', { redirect_uri: 'http://127.0.0.1:99999/callback' }],
    ['loopback by name', { redirect_uri: 'http://localhost:1234/callback' }],
    ['a script', { redirect_uri: 'javascript:alert(1)//http://127.0.0.1/callback' }],
  ])('answers %s with an error page, not with a redirect', async (_title, change) => {
    const page = await open(authorizeUrl(change));
    expect(page.status).toBe(400);
    expect(page.location).toBeUndefined();
    expect(page.text).toContain('cannot go on');
  });

  test('takes no second redirect URI', async () => {
    const page = await open(`${authorizeUrl()}&redirect_uri=https%3A%2F%2Fevil.example.com`);
    expect(page.status).toBe(400);
    expect(page.location).toBeUndefined();
  });

  test.each([
    'http://127.0.0.1/callback',
    'http://127.0.0.1:1/callback',
    'http://[::1]:65535/callback',
    'https://app.example.com/callback',
  ])('goes back to %s', async (redirect_uri) => {
    const page = await consent({ redirect_uri });
    expect(page.location?.href.startsWith(`${redirect_uri}?code=`)).toBe(true);
    expect((await exchange(page, { redirect_uri })).status).toBe(200);
  });

  test.each([
    ['no challenge', { code_challenge: undefined }, 'invalid_request'],
    ['no challenge method, which would mean plain', { code_challenge_method: undefined }, 'invalid_request'],
    ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['a challenge that is no hash', { code_challenge: 'short' }, 'invalid_request'],
    ['the implicit flow', { response_type: 'token' }, 'unsupported_response_type'],
    ['no response type', { response_type: undefined }, 'invalid_request'],
  ])('tells the app of %s', async (_title, change, error) => {
    const page = await open(authorizeUrl(change));
    expect(page.status).toBe(302);
    expect(page.location?.origin).toBe('http://127.0.0.1:49152');
    expect(answerOf(page)).toEqual({ error, state: 'state with + and &', iss: vendor.url });
  });
});

describe('a page', () => {
  test('shows what came with the request as text, not as markup', async () => {
    const scope = `<script>alert("1")</script>'&`;
    const page = await logIn({ scope });
    expect(page.text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;');
    expect(page.text).not.toContain('<script');
  });

  test('runs no script, fits in no frame and is kept by nobody', async () => {
    for (const page of [
      await open(authorizeUrl()),
      await open(authorizeUrl({ client_id: 'x' })),
      await logIn(),
    ]) {
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(page.headers.get('content-security-policy')).toMatch(
        /default-src 'none';.*frame-ancestors 'none'/,
      );
      expect(page.headers.get('cache-control')).toBe('no-store');
      expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    }
  });
});

describe('a code', () => {
  test('that comes twice ends what it brought', async () => {
    const page = await consent();
    const { json } = await exchange(page);
    const other = await exchange(await consent());
    const refreshed = await refresh(json.refresh_token);
    expect(await exchange(page)).toMatchObject(invalidGrant);
    expect((await devices(json.access_token)).status).toBe(401);
    expect((await devices(refreshed.json.access_token)).status).toBe(401);
    expect(await refresh(json.refresh_token)).toMatchObject(invalidGrant);
    expect((await devices(other.json.access_token)).status).toBe(200);
  });

  test.each([
    ['a wrong verifier', { code_verifier: 'w'.repeat(43) }],
    ['no verifier', { code_verifier: undefined }],
    ['another redirect URI', { redirect_uri: 'http://127.0.0.1:49153/callback' }],
  ])('is spent by %s', async (_title, change) => {
    const page = await consent();
    expect(await exchange(page, change)).toMatchObject(invalidGrant);
    expect(await exchange(page)).toMatchObject(invalidGrant);
  });

  test('is not spent by another client', async () => {
    const page = await consent();
    const client_id = vendor.env.REVOLUTION_CLIENT_ID;
    expect(await exchange(page, { client_id })).toMatchObject({
      status: 401,
      json: { error: 'invalid_client' },
    });
    expect((await exchange(page)).status).toBe(200);
  });

  test('is good for a minute', async () => {
    const [early, late] = [await consent(), await consent()];
    now += 59_999;
    expect((await exchange(early)).status).toBe(200);
    now += 1;
    expect(await exchange(late)).toMatchObject(invalidGrant);
  });
});

import { createHmac } from 'node:crypto';
import { fetch } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startVbrickRev, type VbrickRevVendor } from '../../src/demo/vbrick-rev.ts';
import { get, postJson } from './calls.ts';
import { answerOf, open, passwordOf, submit } from './pages.ts';

let vendor: VbrickRevVendor;
let now = Date.parse('2017-08-31T14:00:10.495Z');
beforeEach(async () => {
  vendor = await startVbrickRev({ now: () => now });
});
afterEach(() => vendor.close());

const key = () => vendor.env.REV_API_KEY ?? '';
const secret = () => vendor.env.REV_SECRET ?? '';
const redirectUri = 'http://127.0.0.1:49152/callback';
const sign = (verifier: string, by = secret()) => createHmac('sha256', by).update(verifier).digest('base64');
const authorizeUrl = (change: Record<string, string> = {}) => {
  const verifier = change.verifier ?? `${key()}::${new Date(now).toISOString()}`;
  const asked = {
    apiKey: key(),
    signature: sign(verifier),
    verifier,
    redirect_uri: redirectUri,
    response_type: 'code',
    state: '1',
    ...change,
  };
  return `${vendor.url}/api/v2/oauth/authorization?${new URLSearchParams(asked)}`;
};
const logIn = async () => submit(await open(authorizeUrl()), passwordOf(vendor.user));
const session = (token: unknown) =>
  get(`${vendor.url}/api/v2/user/session`, { Authorization: `VBrick ${token}` });

describe('the login of a person', () => {
  const exchange = (authCode: string | undefined, change: Record<string, unknown> = {}) =>
    postJson(`${vendor.url}/api/v2/oauth/token`, {
      authCode,
      apiKey: key(),
      grantType: 'authorization_code',
      redirectUri,
      ...change,
    });

  test('ends with auth_code and state, and the code begins a session', async () => {
    const page = await logIn();
    expect(page.status).toBe(302);
    expect(page.location?.href.startsWith(`${redirectUri}?auth_code=`)).toBe(true);
    expect(Object.keys(answerOf(page))).toEqual(['auth_code', 'state']);
    expect(vendor.logins).toBe(1);
    const { status, json } = await exchange(answerOf(page).auth_code?.replaceAll(' ', '+'));
    expect(status).toBe(200);
    expect((await session(json.accessToken)).status).toBe(200);
  });

  test('gives a code whose + stands in the address as it is, and is no space', async () => {
    const page = await logIn();
    expect(page.location?.search).toMatch(/^\?auth_code=[\w-]+\+[\w-]+&state=1$/);
    expect(answerOf(page).auth_code).toContain(' ');
    expect((await exchange(answerOf(page).auth_code)).status).toBe(401);
  });

  test('gives a code that is bound to its redirect URI, and good for one session', async () => {
    const code = async () => answerOf(await logIn()).auth_code?.replaceAll(' ', '+');
    expect((await exchange(await code(), { redirectUri: vendor.redirectUri })).status).toBe(401);
    const good = await code();
    expect((await exchange(good)).status).toBe(200);
    expect((await exchange(good)).status).toBe(401);
    const late = await code();
    now += 60_000;
    expect((await exchange(late)).status).toBe(401);
  });

  test('begins a session that is extended with its own authCode and redirectUri, or none', async () => {
    const authCode = answerOf(await logIn()).auth_code?.replaceAll(' ', '+');
    const { json } = await exchange(authCode);
    const extend = (more: Record<string, unknown>) =>
      postJson(`${vendor.url}/api/v2/oauth/token`, {
        apiKey: key(),
        grantType: 'refresh_token',
        refreshToken: json.refreshToken,
        ...more,
      });
    expect((await extend({ authCode, redirectUri })).status).toBe(200);
    expect((await extend({})).status).toBe(200);
    expect((await extend({ authCode: vendor.approve() })).status).toBe(401);
    expect((await extend({ authCode, redirectUri: vendor.redirectUri })).status).toBe(401);
  });

  test('asks again after a wrong password, and tells the app when it is cancelled', async () => {
    const again = await submit(await open(authorizeUrl()), { username: vendor.user.name, password: 'wrong' });
    expect(again.status).toBe(401);
    const page = await submit(again, {}, 'cancel');
    expect(answerOf(page)).toEqual({ error: 'access_denied', state: '1' });
    expect(vendor.logins).toBe(0);
  });

  test('takes a verifier up to 30 minutes old', async () => {
    const verifier = `${key()}::${new Date(now).toISOString()}`;
    now += 30 * 60_000;
    expect((await open(authorizeUrl({ verifier }))).status).toBe(200);
    now += 1;
    expect((await open(authorizeUrl({ verifier }))).status).toBe(400);
  });

  test.each([
    [
      'a signature by another secret',
      () => ({ signature: sign(`${key()}::${new Date(now).toISOString()}`, 'x') }),
    ],
    ['a signature of something else', () => ({ signature: sign(`${key()}::`) })],
    ['an unknown apiKey', () => ({ apiKey: 'unknown' })],
    ['a verifier for another key', () => ({ verifier: `other::${new Date(now).toISOString()}` })],
    ['a verifier that is no time', () => ({ verifier: `${key()}::today` })],
    ['a redirect URI not configured', () => ({ redirect_uri: 'https://evil.example.com/callback' })],
    ['another response type', () => ({ response_type: 'token' })],
  ])('refuses %s on a page of its own', async (_title, change) => {
    const page = await open(authorizeUrl(change()));
    expect(page.status).toBe(400);
    expect(page.location).toBeUndefined();
  });
});

describe('the login with apiKey and secret', () => {
  const logInWith = (body: Record<string, unknown>) => postJson(`${vendor.url}/api/v2/authenticate`, body);
  const good = () => ({ apiKey: key(), secret: secret() });
  const extend = (token: unknown, apiKey = key()) =>
    postJson(`${vendor.url}/api/v2/auth/extend-session-timeout/${apiKey}`, undefined, {
      Authorization: `VBrick ${token}`,
    });

  test('gives a token, its issuer and its end', async () => {
    const { status, json } = await logInWith(good());
    expect(status).toBe(200);
    expect(json).toEqual({
      token: expect.any(String),
      issuer: 'VBrick',
      expiration: new Date(now + 3_600_000).toISOString(),
    });
    expect((await session(json.token)).status).toBe(200);
    expect(vendor).toMatchObject({ logins: 1, loginAttempts: 1, tokenCalls: 1, locked: false });
    expect((await logInWith({ ApiKey: key(), Secret: secret() })).status).toBe(200);
  });

  test('is extended without a new token, an inactivity timeout from now each time', async () => {
    const { token } = (await logInWith(good())).json;
    for (let i = 1; i <= 3; i++) {
      now += 3_599_999;
      expect(await extend(token)).toMatchObject({
        status: 200,
        json: { expiration: new Date(now + 3_600_000).toISOString() },
      });
      expect(vendor.extensions).toBe(i);
    }
    expect(Object.keys((await extend(token)).json)).toEqual(['expiration']);
    now += 3_600_000;
    expect((await extend(token)).status).toBe(401);
    expect((await session(token)).status).toBe(401);
  });

  test('is not extended by calls of the API', async () => {
    const { token } = (await logInWith(good())).json;
    now += 3_599_999;
    expect((await session(token)).status).toBe(200);
    now += 1;
    expect((await session(token)).status).toBe(401);
  });

  test('extends no session of another key or another kind', async () => {
    const { token } = (await logInWith(good())).json;
    expect((await extend(token, 'other')).status).toBe(401);
    const oauth = await postJson(`${vendor.url}/api/v2/oauth/token`, {
      apiKey: key(),
      grantType: 'refresh_token',
      refreshToken: vendor.env.REV_REFRESH_TOKEN,
    });
    expect((await extend(oauth.json.accessToken)).status).toBe(401);
    expect(vendor.extensions).toBe(0);
  });

  test('locks the account after five wrong secrets, until it is unlocked', async () => {
    for (let i = 0; i < 5; i++) {
      expect(vendor.locked).toBe(false);
      expect((await logInWith({ ...good(), secret: 'wrong' })).status).toBe(401);
    }
    expect(vendor).toMatchObject({ locked: true, loginAttempts: 5, logins: 0 });
    const locked = await fetch(`${vendor.url}/api/v2/authenticate`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(good()),
    });
    expect(locked.status).toBe(429);
    expect(locked.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await locked.text()).toContain('locked');
    vendor.unlock();
    expect((await logInWith(good())).status).toBe(200);
  });

  test('counts wrong secrets in a row, and of this account alone', async () => {
    for (let i = 0; i < 4; i++) await logInWith({ ...good(), secret: 'wrong' });
    expect((await logInWith({ apiKey: 'unknown', secret: 'wrong' })).status).toBe(401);
    expect(vendor.locked).toBe(false);
    await logInWith(good());
    await logInWith({ ...good(), secret: 'wrong' });
    expect(vendor.locked).toBe(false);
  });

  test('fails when it is told to, as the token endpoint does', async () => {
    vendor.failTokens(1);
    expect((await logInWith(good())).status).toBe(503);
    const { token } = (await logInWith(good())).json;
    vendor.failTokens(1);
    expect((await extend(token)).status).toBe(503);
    expect((await extend(token)).status).toBe(200);
  });

  test.each([
    ['no secret', { secret: undefined }],
    ['a secret that is no text', { secret: 1 }],
  ])('refuses %s', async (_title, change) => {
    expect((await logInWith({ ...good(), ...change })).status).toBe(400);
    expect(vendor.locked).toBe(false);
  });
});

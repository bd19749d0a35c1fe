import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RevoDigitalVendor, startRevoDigital } from '../../src/demo/revo-digital.ts';
import { get, postForm } from './calls.ts';
import { answerOf, open, passwordOf, submit } from './pages.ts';

let vendor: RevoDigitalVendor;
let now = 1_700_000_000_000;
beforeEach(async () => {
  vendor = await startRevoDigital({ now: () => now });
});
afterEach(() => vendor.close());

const redirectUri = 'http://127.0.0.1:49152/callback';
const client = () => ({
  client_id: vendor.env.REVO_DIGITAL_CLIENT_ID ?? '',
  client_secret: vendor.env.REVO_DIGITAL_CLIENT_SECRET ?? '',
});
const authorizeUrl = (change: Record<string, string> = {}) => {
  const { client_id } = client();
  const asked = { response_type: 'code', client_id, redirect_uri: redirectUri, ...change };
  return `${vendor.env.REVO_DIGITAL_LOGIN_URL}/oauth/chooselocation?${new URLSearchParams(asked)}`;
};
const choose = async (choice: string, change: Record<string, string> = {}) =>
  submit(await submit(await open(authorizeUrl(change)), passwordOf(vendor.user)), { choice });
const exchange = (code: string | undefined, user_type: string, redirect_uri = redirectUri) =>
  postForm(`${vendor.url}/oauth/token`, {
    ...client(),
    grant_type: 'authorization_code',
    code: code ?? '',
    user_type,
    redirect_uri,
  });
const refreshWith = (refresh_token: unknown, user_type = 'Location') =>
  postForm(`${vendor.url}/oauth/token`, {
    ...client(),
    grant_type: 'refresh_token',
    refresh_token: String(refresh_token),
    user_type,
  });
const bearer = (token: unknown) => ({ Authorization: `Bearer ${token}`, Version: '2021-07-28' });
const contacts = (token: unknown, query = '') => get(`${vendor.url}/contacts/${query}`, bearer(token));
const second = () => vendor.locationIds[1] ?? '';

describe('the login', () => {
  test('ends with the choice of a location, whose token speaks for it alone', async () => {
    const page = await choose(second(), { state: 'abc' });
    expect(page.status).toBe(302);
    expect(page.location?.href.startsWith(`${redirectUri}?code=`)).toBe(true);
    expect(answerOf(page)).toEqual({ code: expect.any(String), state: 'abc' });
    expect(vendor.logins).toBe(1);
    const { json } = await exchange(answerOf(page).code, 'Location');
    expect(json).toMatchObject({ locationId: second(), approvedLocations: [second()] });
    const answer = await contacts(json.access_token);
    expect(answer.json).toMatchObject({ contacts: [{ locationId: second() }, { locationId: second() }] });
    expect((await contacts(json.access_token, `?locationId=${vendor.locationIds[0]}`)).status).toBe(403);
    expect((await refreshWith(json.refresh_token)).json).toMatchObject({ locationId: second() });
  });

  test('or of the company, with all its locations', async () => {
    const { json } = await exchange(answerOf(await choose('company')).code, 'Company');
    expect(json).toMatchObject({ approvedLocations: vendor.locationIds, installToFutureLocations: true });
    expect(json).not.toHaveProperty('locationId');
    expect((await contacts(json.access_token)).status).toBe(403);
  });

  test('sends back no state when there was none', async () => {
    expect(Object.keys(answerOf(await choose(second())))).toEqual(['code']);
  });

  test('asks again when nothing or something else is picked', async () => {
    const question = await submit(await open(authorizeUrl()), passwordOf(vendor.user));
    const again = await submit(question, {});
    expect(again.status).toBe(400);
    const third = await submit(again, { choice: 'another' });
    expect(third.status).toBe(400);
    expect((await submit(third, { choice: second() })).status).toBe(302);
    expect(vendor.logins).toBe(1);
  });

  test('gives as much as was asked for', async () => {
    const page = await choose(second(), { scope: 'contacts.write' });
    const { json } = await exchange(answerOf(page).code, 'Location');
    expect(json.scope).toBe('contacts.write');
    expect(await contacts(json.access_token)).toMatchObject({
      status: 401,
      json: { message: 'The token is not authorized for this scope.' },
    });
  });

  test.each([
    ['an unknown client', { client_id: 'unknown' }],
    ['a redirect URI not registered', { redirect_uri: 'https://evil.example.com/callback' }],
  ])('answers %s with an error page, not with a redirect', async (_title, change) => {
    const page = await open(authorizeUrl(change));
    expect(page.status).toBe(400);
    expect(page.location).toBeUndefined();
  });

  test.each([
    ['a scope it does not have', { scope: 'contacts.readonly everything' }, 'invalid_scope'],
    ['another flow', { response_type: 'token' }, 'unsupported_response_type'],
  ])('tells the app of %s', async (_title, change, error) => {
    expect(answerOf(await open(authorizeUrl({ ...change, state: 'abc' })))).toEqual({ error, state: 'abc' });
  });

  test('gives a code for one kind of user, one redirect URI and one exchange', async () => {
    const code = async () => answerOf(await choose(second())).code;
    expect((await exchange(await code(), 'Company')).status).toBe(400);
    expect((await exchange(await code(), 'Location', vendor.redirectUri)).status).toBe(400);
    const good = await code();
    const { json } = await exchange(good, 'Location');
    expect((await contacts(json.access_token)).status).toBe(200);
    expect((await exchange(good, 'Location')).status).toBe(400);
    expect((await contacts(json.access_token)).status).toBe(401);
    expect((await refreshWith(json.refresh_token)).status).toBe(400);
  });
});

describe('a token for a location of the company', () => {
  let company: unknown;
  beforeEach(async () => {
    const { json } = await refreshWith(vendor.env.REVO_DIGITAL_COMPANY_REFRESH_TOKEN, 'Company');
    company = json.access_token;
  });
  const ask = (params: Record<string, string> = {}, headers: Record<string, string> = bearer(company)) =>
    postForm(
      `${vendor.url}/oauth/locationToken`,
      { companyId: vendor.companyId, locationId: second(), ...params },
      headers,
    );

  test('works for that location and has no refresh token', async () => {
    const { tokenCalls } = vendor;
    const { status, json } = await ask();
    expect(status).toBe(200);
    expect(json).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 86_400,
      scope: 'contacts.readonly contacts.write',
      locationId: second(),
      planId: 'plan_xyz789',
      userId: 'usr_abc123',
    });
    expect(vendor.tokenCalls).toBe(tokenCalls + 1);
    expect((await contacts(json.access_token)).json).toMatchObject({ count: 2 });
    expect((await contacts(json.access_token, `?locationId=${vendor.locationIds[0]}`)).status).toBe(403);
  });

  test('is not to be had with a bad token, or one of a location', async () => {
    const location = (await refreshWith(vendor.env.REVO_DIGITAL_REFRESH_TOKEN)).json.access_token;
    expect(await ask({}, bearer('bad'))).toMatchObject({ status: 401, json: { message: 'Invalid JWT' } });
    expect(await ask({}, bearer(location))).toMatchObject({
      status: 401,
      json: { message: 'The token is not authorized for this scope.' },
    });
    now += 86_400_000;
    expect((await ask()).status).toBe(401);
  });

  test('is not to be had without oauth.write', async () => {
    const code = answerOf(await choose('company', { scope: 'contacts.readonly' })).code;
    const { access_token } = (await exchange(code, 'Company')).json;
    expect((await ask({}, bearer(access_token))).status).toBe(401);
  });

  test.each([
    ['an unknown location', { locationId: 'unknown' }, 403],
    ['another company', { companyId: 'another' }, 403],
    ['no location', { locationId: '' }, 422],
  ])('is not to be had for %s', async (_title, params, status) => {
    expect((await ask(params)).status).toBe(status);
  });

  test('needs its own Version', async () => {
    const { Authorization } = bearer(company);
    expect((await ask({}, { Authorization })).status).toBe(401);
    expect((await ask({}, { Authorization, Version: '2021-04-15' })).status).toBe(401);
  });

  test('ends with the session of the company', async () => {
    const { access_token } = (await ask()).json;
    await refreshWith(vendor.env.REVO_DIGITAL_COMPANY_REFRESH_TOKEN, 'Company');
    expect(vendor.reuses).toBe(1);
    expect((await contacts(access_token)).status).toBe(401);
  });
});

describe('the grace', () => {
  const seed = () => vendor.env.REVO_DIGITAL_REFRESH_TOKEN;
  const pair = ({ json }: { json: Record<string, unknown> }) => [json.access_token, json.refresh_token];
  const withGrace = async (grace: number) => {
    await vendor.close();
    vendor = await startRevoDigital({ now: () => now, grace });
  };

  test('is none by default', async () => {
    await refreshWith(seed());
    expect((await refreshWith(seed())).status).toBe(400);
    expect(vendor).toMatchObject({ refreshes: 1, replays: 0, reuses: 1 });
  });

  test('gives the same pair again, with the lifetime that is left', async () => {
    await withGrace(30);
    const first = await refreshWith(seed());
    now += 29_999;
    const again = await refreshWith(seed());
    expect(pair(again)).toEqual(pair(first));
    expect(again.json.expires_in).toBe(86_370);
    expect((await contacts(again.json.access_token)).status).toBe(200);
    expect((await refreshWith(again.json.refresh_token)).status).toBe(200);
    expect(vendor).toMatchObject({ refreshes: 2, replays: 1, reuses: 0 });
  });

  test('ends in time', async () => {
    await withGrace(30);
    const first = await refreshWith(seed());
    now += 30_000;
    expect((await refreshWith(seed())).status).toBe(400);
    expect((await refreshWith(first.json.refresh_token)).status).toBe(400);
    expect((await contacts(first.json.access_token)).status).toBe(401);
  });

  test('ends when the successor is used', async () => {
    await withGrace(30);
    const first = await refreshWith(seed());
    const next = await refreshWith(first.json.refresh_token);
    expect((await refreshWith(seed())).status).toBe(400);
    expect(vendor).toMatchObject({ refreshes: 2, replays: 0, reuses: 1 });
    expect((await contacts(next.json.access_token)).status).toBe(401);
    expect((await refreshWith(first.json.refresh_token)).status).toBe(400);
    expect((await refreshWith(next.json.refresh_token)).status).toBe(400);
  });

  test('saves a session whose answer was lost', async () => {
    await withGrace(30);
    vendor.failTokens({ how: 'lost' });
    await expect(refreshWith(seed())).rejects.toThrow();
    const { status, json } = await refreshWith(seed());
    expect(status).toBe(200);
    expect((await contacts(json.access_token)).status).toBe(200);
  });
});

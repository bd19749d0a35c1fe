import { Agent, fetch, request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startVendors, type Vendors } from '../../src/demo/vendors.ts';
import { basic, get, postForm } from './calls.ts';

let vendors: Vendors;
beforeEach(async () => {
  vendors = await startVendors();
});
afterEach(() => vendors.close());

const tokenUrl = () => `${vendors.realer.url}/oauth/token`;
const client = () => basic(vendors.realer.env.REALER_CLIENT_ID, vendors.realer.env.REALER_CLIENT_SECRET);
const newToken = () => postForm(tokenUrl(), { grant_type: 'client_credentials' }, client());
const catalog = (token: unknown) =>
  get(`${vendors.realer.url}/iot/v1/catalog`, { Authorization: `Bearer ${token}` });

test('five vendors listen on loopback and say what a proxy needs to know', () => {
  expect(vendors.all.map((vendor) => vendor.name)).toEqual([
    'revolution',
    'vbrick-rev',
    'realer',
    'revo-digital',
    'revolv3',
  ]);
  for (const vendor of vendors.all) expect(vendor.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(vendors.env.REVOLUTION_URL).toBe(`${vendors.revolution.url}/v1`);
  expect(Object.keys(vendors.env)).toHaveLength(21);
});

test('a token of one vendor is worth nothing at another', async () => {
  const { json } = await newToken();
  const headers = { Authorization: `Bearer ${json.access_token}` };
  expect((await catalog(json.access_token)).status).toBe(200);
  expect((await get(`${vendors.revolv3.url}/api/invoices`, headers)).status).toBe(401);
});

test('a vendor tells what it saw, fields as they came', async () => {
  await fetch(`${vendors.realer.url}/iot/v1/catalog?a=1`, { headers: { 'X-Twice': 'yes' } }).then((r) =>
    r.text(),
  );
  const [seen] = vendors.realer.seen;
  expect(seen).toMatchObject({
    method: 'GET',
    path: '/iot/v1/catalog?a=1',
    body: '',
    status: 401,
    aborted: false,
  });
  expect(seen?.headers).toContain('yes');
  expect(vendors.realer).toMatchObject({ tokenCalls: 0, apiCalls: 1, refusals: 1 });
});

test('two Authorization fields let nobody in', async () => {
  const { json } = await newToken();
  const good = `Bearer ${json.access_token}`;
  const url = `${vendors.realer.url}/iot/v1/catalog`;
  const dispatcher = new Agent();
  const { statusCode, body } = await request(url, {
    dispatcher,
    headers: ['authorization', good, 'authorization', good],
  });
  await body.dump();
  await dispatcher.close();
  expect(statusCode).toBe(401);
});

test('unknown paths and methods are refused', async () => {
  expect((await get(`${vendors.realer.url}/nothing`)).status).toBe(404);
  const answer = await get(tokenUrl());
  expect(answer.status).toBe(405);
  expect(answer.headers.get('allow')).toBe('POST');
});

describe('made to be difficult', () => {
  test('revokeAll and expireAll end every token, and a new one works', async () => {
    for (const end of ['revokeAll', 'expireAll'] as const) {
      const { json } = await newToken();
      expect((await catalog(json.access_token)).status).toBe(200);
      vendors.realer[end]();
      expect((await catalog(json.access_token)).status).toBe(401);
      expect((await catalog((await newToken()).json.access_token)).status).toBe(200);
    }
  });

  test('refuseAll refuses good tokens while it is on', async () => {
    const { json } = await newToken();
    vendors.realer.refuseAll(true);
    expect((await catalog(json.access_token)).status).toBe(401);
    vendors.realer.refuseAll(false);
    expect((await catalog(json.access_token)).status).toBe(200);
  });

  test('setLifetime shortens the tokens that follow', async () => {
    vendors.realer.setLifetime(8);
    expect((await newToken()).json).toMatchObject({ expires_in: 8, renew_after: 6 });
  });

  test('failTokens fails as often as told, then no more', async () => {
    vendors.realer.failTokens(2);
    vendors.realer.failTokens({ status: 429, headers: { 'Retry-After': '7' } });
    expect((await newToken()).status).toBe(503);
    expect((await newToken()).status).toBe(503);
    const limited = await newToken();
    expect(limited.status).toBe(429);
    expect(limited.headers.get('retry-after')).toBe('7');
    expect((await newToken()).status).toBe(200);
    expect(vendors.realer.tokenCalls).toBe(4);
  });

  test('a reset answers nothing and does nothing; a lost answer has taken effect', async () => {
    const { revoDigital } = vendors;
    const refresh = () =>
      postForm(`${revoDigital.url}/oauth/token`, {
        grant_type: 'refresh_token',
        client_id: revoDigital.env.REVO_DIGITAL_CLIENT_ID ?? '',
        client_secret: revoDigital.env.REVO_DIGITAL_CLIENT_SECRET ?? '',
        refresh_token: revoDigital.env.REVO_DIGITAL_REFRESH_TOKEN ?? '',
        user_type: 'Location',
      });
    revoDigital.failTokens({ how: 'reset' });
    await expect(refresh()).rejects.toThrow();
    revoDigital.failTokens({ how: 'lost' });
    await expect(refresh()).rejects.toThrow();
    expect((await refresh()).json).toMatchObject({ message: 'Invalid grant: refresh token is invalid' });
  });

  test('holdTokens answers late what has taken effect at once', async () => {
    vendors.revoDigital.holdTokens(60_000);
    const { env, url } = vendors.revoDigital;
    const refresh = postForm(`${url}/oauth/token`, {
      grant_type: 'refresh_token',
      client_id: env.REVO_DIGITAL_CLIENT_ID ?? '',
      client_secret: env.REVO_DIGITAL_CLIENT_SECRET ?? '',
      refresh_token: env.REVO_DIGITAL_REFRESH_TOKEN ?? '',
      user_type: 'Location',
    });
    const waiting = expect(refresh).rejects.toThrow();
    await expect.poll(() => vendors.revoDigital.refreshes).toBe(1);
    expect(vendors.revoDigital.seen.at(-1)?.status).toBe(0);
    await vendors.close();
    await waiting;
  });

  test('delayTokens takes its time, and closing does not wait for it', async () => {
    vendors.realer.delayTokens(100);
    const start = performance.now();
    expect((await newToken()).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThanOrEqual(95);
    vendors.realer.delayTokens(60_000);
    const waiting = expect(newToken()).rejects.toThrow();
    await expect.poll(() => vendors.realer.tokenCalls).toBe(2);
    await vendors.close();
    await waiting;
  });
});

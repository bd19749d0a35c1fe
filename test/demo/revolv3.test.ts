import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startRevolv3 } from '../../src/demo/revolv3.ts';
import type { Vendor } from '../../src/demo/vendor.ts';
import { basic, get, postForm, postJson } from './calls.ts';

let vendor: Vendor;
let now = 0;
beforeEach(async () => {
  now = Date.parse('2025-11-17T10:45:41.223Z');
  vendor = await startRevolv3({ now: () => now });
});
afterEach(() => vendor.close());

const tokenUrl = () => `${vendor.url}/api/Authentication/token`;
const client = () => ({
  clientId: vendor.env.REVOLV3_CLIENT_ID,
  clientSecret: vendor.env.REVOLV3_CLIENT_SECRET,
});
const patch = { 'Content-Type': 'application/json-patch+json' };
const bearer = async () => {
  const { json } = await postJson(tokenUrl(), client(), patch);
  return { Authorization: `Bearer ${json.access_token}` };
};

describe('the token endpoint', () => {
  test('answers the example request as the page shows', async () => {
    const { status, json } = await postJson(tokenUrl(), client(), patch);
    expect(status).toBe(200);
    expect(json).toEqual({
      token_type: 'Bearer',
      expires_in: 3599,
      ext_expires_in: 3599,
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]{300,}$/),
      isExpired: false,
      expirationTime: '2025-11-17T11:45:40.2233678Z',
    });
  });

  test('ignores members it does not know', async () => {
    expect(
      (await postJson(tokenUrl(), { ...client(), grant_type: 'client_credentials' }, patch)).status,
    ).toBe(200);
  });

  test.each(['application/json', 'application/x-www-form-urlencoded'])(
    'refuses %s with 415',
    async (type) => {
      expect((await postJson(tokenUrl(), client(), { 'Content-Type': type })).status).toBe(415);
    },
  );

  test('refuses a form and a Basic field', async () => {
    const headers = basic(vendor.env.REVOLV3_CLIENT_ID, vendor.env.REVOLV3_CLIENT_SECRET);
    expect((await postForm(tokenUrl(), { grant_type: 'client_credentials' }, headers)).status).toBe(415);
    expect((await postJson(tokenUrl(), {}, { ...patch, ...headers })).status).toBe(400);
  });

  test.each([
    ['an empty clientId', { clientId: '' }, 400],
    ['no clientSecret', { clientSecret: undefined }, 400],
    ['names of RFC 6749', { clientId: undefined, client_id: 'x' }, 400],
    ['a wrong clientSecret', { clientSecret: 'wrong' }, 401],
  ])('refuses %s', async (_title, change, status) => {
    const answer = await postJson(tokenUrl(), { ...client(), ...change }, patch);
    expect(answer).toMatchObject({ status, json: { status } });
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
  });
});

describe('the API', () => {
  test('lists invoices', async () => {
    expect(await get(`${vendor.url}/api/invoices`, await bearer())).toMatchObject({
      status: 200,
      json: { totalCount: 1 },
    });
  });

  test('makes one payment for one Idempotency-Key', async () => {
    const token = await bearer();
    const pay = async (headers: Record<string, string>) =>
      (await postJson(`${vendor.url}/api/payments`, { amount: 12.5 }, { ...token, ...headers })).json
        .paymentId;
    const first = await pay({ 'Idempotency-Key': 'order-1' });
    expect(first).toEqual(expect.any(String));
    expect(await pay({ 'Idempotency-Key': 'order-1' })).toBe(first);
    expect(await pay({ 'Idempotency-Key': 'order-2' })).not.toBe(first);
    expect(await pay({})).not.toBe(first);
  });

  test('answers 401 to an expired token, a foreign one and another scheme', async () => {
    const token = await bearer();
    now += 3_599_000;
    const bare = token.Authorization.slice(7);
    for (const authorization of [token.Authorization, 'Bearer x', `VBrick ${bare}`, bare]) {
      const answer = await get(`${vendor.url}/api/invoices`, { Authorization: authorization });
      expect(answer).toMatchObject({ status: 401, json: { status: 401 } });
    }
  });
});

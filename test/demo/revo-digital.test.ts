import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RevoDigitalVendor, startRevoDigital } from '../../src/demo/revo-digital.ts';
import { basic, get, postForm, postJson } from './calls.ts';

let vendor: RevoDigitalVendor;
let now = 1_700_000_000_000;
beforeEach(async () => {
  vendor = await startRevoDigital({ now: () => now });
});
afterEach(() => vendor.close());

const tokenUrl = () => `${vendor.url}/oauth/token`;
const client = () => ({
  client_id: vendor.env.REVO_DIGITAL_CLIENT_ID ?? '',
  client_secret: vendor.env.REVO_DIGITAL_CLIENT_SECRET ?? '',
});
const refreshWith = (refresh_token: unknown) =>
  postForm(tokenUrl(), {
    ...client(),
    grant_type: 'refresh_token',
    refresh_token: String(refresh_token),
    user_type: 'Location',
  });
const contacts = (token: unknown, headers: Record<string, string> = { Version: '2021-07-28' }) =>
  get(`${vendor.url}/contacts/`, { Authorization: `Bearer ${token}`, ...headers });

const locationAnswer = {
  access_token: expect.stringMatching(/^eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9\./),
  token_type: 'Bearer',
  expires_in: 86400,
  refresh_token: expect.any(String),
  scope: 'contacts.readonly contacts.write',
  locationId: 've9EPM428h8vShlRW1KT',
  companyId: '5DP41231LkQsiKESj6rh',
  approvedLocations: ['ve9EPM428h8vShlRW1KT'],
  userId: 'usr_abc123',
  planId: 'plan_xyz789',
};

describe('the token endpoint', () => {
  test('answers the refresh example with every field of a location token', async () => {
    const { status, json } = await refreshWith(vendor.env.REVO_DIGITAL_REFRESH_TOKEN);
    expect(status).toBe(200);
    expect(json).toEqual(locationAnswer);
  });

  test('answers the authorization-code example, once', async () => {
    const body = {
      ...client(),
      grant_type: 'authorization_code',
      code: vendor.approve(),
      redirect_uri: vendor.redirectUri,
      user_type: 'Location',
    };
    expect(await postForm(tokenUrl(), body)).toMatchObject({ status: 200, json: locationAnswer });
    expect((await postForm(tokenUrl(), body)).status).toBe(400);
    const elsewhere = { ...body, code: vendor.approve(), redirect_uri: 'https://elsewhere.example.com/' };
    expect((await postForm(tokenUrl(), elsewhere)).status).toBe(400);
  });

  test('answers client_credentials for a company with the company fields instead of a location', async () => {
    const body = { ...client(), grant_type: 'client_credentials', user_type: 'Company' };
    const { json } = await postForm(tokenUrl(), body);
    expect(json).toMatchObject({ installToFutureLocations: true, approvedAllLocations: false });
    expect(json).not.toHaveProperty('locationId');
  });

  test('rotates the refresh token, and one that comes twice ends everything it led to', async () => {
    const first = await refreshWith(vendor.env.REVO_DIGITAL_REFRESH_TOKEN);
    const second = await refreshWith(first.json.refresh_token);
    expect(second.status).toBe(200);
    expect(second.json.refresh_token).not.toBe(first.json.refresh_token);
    expect((await contacts(second.json.access_token)).status).toBe(200);

    expect(await refreshWith(first.json.refresh_token)).toMatchObject({
      status: 400,
      json: { statusCode: 400, message: 'Invalid grant: refresh token is invalid' },
    });
    expect((await contacts(second.json.access_token)).status).toBe(401);
    expect((await refreshWith(second.json.refresh_token)).status).toBe(400);
  });

  test.each(['client_id', 'client_secret', 'grant_type', 'user_type'])(
    'refuses a request without %s',
    async (name) => {
      const body = { ...client(), grant_type: 'client_credentials', user_type: 'Location', [name]: '' };
      expect(await postForm(tokenUrl(), body)).toMatchObject({
        status: 422,
        json: { statusCode: 422, message: [`${name} should not be empty`] },
      });
    },
  );

  test.each([
    ['an unknown user_type', { user_type: 'Agency' }, 422],
    ['an unknown grant type', { grant_type: 'password' }, 422],
    ['a wrong secret', { client_secret: 'wrong' }, 401],
  ])('refuses %s', async (_title, change, status) => {
    const body = { ...client(), grant_type: 'client_credentials', user_type: 'Location', ...change };
    expect((await postForm(tokenUrl(), body)).status).toBe(status);
  });

  test('refuses Basic, with and without credentials in the body', async () => {
    const { client_id, client_secret } = client();
    const rest = { grant_type: 'client_credentials', user_type: 'Location' };
    const headers = basic(client_id, client_secret);
    expect((await postForm(tokenUrl(), rest, headers)).status).toBe(422);
    expect((await postForm(tokenUrl(), { ...rest, ...client() }, headers)).status).toBe(401);
  });

  test('refuses JSON', async () => {
    const body = { ...client(), grant_type: 'client_credentials', user_type: 'Location' };
    expect((await postJson(tokenUrl(), body)).status).toBe(415);
  });
});

describe('the API', () => {
  let token: unknown;
  beforeEach(async () => {
    token = (await refreshWith(vendor.env.REVO_DIGITAL_REFRESH_TOKEN)).json.access_token;
  });

  test('lists contacts to the bearer who sends Version', async () => {
    expect(await contacts(token)).toMatchObject({ status: 200, json: { count: 2 } });
  });

  test('answers 401 without Version or with one it does not know', async () => {
    expect(await contacts(token, {})).toMatchObject({
      status: 401,
      json: { statusCode: 401, message: 'version header was not found.' },
    });
    expect(await contacts(token, { Version: '2020-01-01' })).toMatchObject({
      status: 401,
      json: { statusCode: 401, message: 'version header is invalid' },
    });
  });

  test('answers 403 for another location', async () => {
    const url = `${vendor.url}/contacts/?locationId=another`;
    const headers = { Authorization: `Bearer ${token}`, Version: '2021-07-28' };
    expect(await get(url, headers)).toMatchObject({
      status: 403,
      json: { message: 'The token does not have access to this location.' },
    });
  });

  test('answers Invalid JWT to foreign, revoked and expired tokens', async () => {
    const invalid = { status: 401, json: { statusCode: 401, message: 'Invalid JWT' } };
    expect(await contacts('eyJhbGciOiJSUzI1NiJ9.e30.x')).toMatchObject(invalid);
    vendor.revokeAll();
    expect(await contacts(token)).toMatchObject(invalid);
    const body = { ...client(), grant_type: 'client_credentials', user_type: 'Location' };
    const { json } = await postForm(tokenUrl(), body);
    expect((await contacts(json.access_token)).status).toBe(200);
    now += 86_400_000;
    expect(await contacts(json.access_token)).toMatchObject(invalid);
  });
});

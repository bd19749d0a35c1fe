import { createHash } from 'node:crypto';
import { fetch } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RevolutionVendor, startRevolution } from '../../src/demo/revolution.ts';
import { basic, get, postJson } from './calls.ts';

let vendor: RevolutionVendor;
let now = 1_700_000_000_000;
beforeEach(async () => {
  vendor = await startRevolution({ now: () => now });
});
afterEach(() => vendor.close());

const tokenUrl = () => `${vendor.env.REVOLUTION_URL}/auth/token`;
const clientCredentials = () => ({
  grant_type: 'client_credentials',
  client_id: vendor.env.REVOLUTION_CLIENT_ID,
  client_secret: vendor.env.REVOLUTION_CLIENT_SECRET,
});

describe('the token endpoint', () => {
  test('answers the client-credentials example with a one-hour token', async () => {
    const { status, json } = await postJson(tokenUrl(), clientCredentials());
    expect(status).toBe(200);
    expect(json).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600 });
    expect(vendor.tokenCalls).toBe(1);
  });

  test('exchanges a PKCE code without grant_type, once, and takes the refresh token again and again', async () => {
    const verifier = 'v'.repeat(43);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const redirect_uri = 'https://your.app/callback';
    const body = {
      code: vendor.approve(challenge, redirect_uri),
      code_verifier: verifier,
      client_id: vendor.appId,
      redirect_uri,
    };
    const exchanged = await postJson(tokenUrl(), body);
    expect(exchanged.status).toBe(200);
    expect(exchanged.json).toMatchObject({ expires_in: 3600, refresh_token: expect.any(String) });

    const refresh = {
      grant_type: 'refresh_token',
      client_id: vendor.appId,
      refresh_token: exchanged.json.refresh_token,
    };
    const values = [];
    for (let i = 0; i < 2; i++) {
      const { status, json } = await postJson(tokenUrl(), refresh);
      expect(status).toBe(200);
      values.push(json.access_token);
    }
    expect(new Set([...values, exchanged.json.access_token]).size).toBe(3);
    expect((await postJson(tokenUrl(), body)).json).toMatchObject({ error: 'invalid_grant' });
  });

  test.each([
    ['a wrong verifier', { code_verifier: 'w'.repeat(43) }],
    ['another redirect URI', { redirect_uri: 'https://other.app/callback' }],
  ])('refuses a code with %s', async (_title, change) => {
    const verifier = 'v'.repeat(43);
    const redirect_uri = 'https://your.app/callback';
    const code = vendor.approve(createHash('sha256').update(verifier).digest('base64url'), redirect_uri);
    const body = { code, code_verifier: verifier, client_id: vendor.appId, redirect_uri, ...change };
    expect(await postJson(tokenUrl(), body)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });

  test('refuses a form with 415', async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await postJson(tokenUrl(), clientCredentials(), form)).status).toBe(415);
  });

  test('refuses credentials in a Basic field', async () => {
    const { client_id, client_secret, grant_type } = clientCredentials();
    const answer = await postJson(tokenUrl(), { grant_type }, basic(client_id, client_secret));
    expect(answer).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  });

  test.each([
    ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client'],
    ['an unknown grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['an unknown refresh token', { grant_type: 'refresh_token', refresh_token: 'x' }, 401, 'invalid_client'],
  ])('refuses %s', async (_title, change, status, error) => {
    expect(await postJson(tokenUrl(), { ...clientCredentials(), ...change })).toMatchObject({
      status,
      json: { error },
    });
  });

  test('refuses a body that is not a JSON object', async () => {
    expect((await postJson(tokenUrl(), [1])).status).toBe(400);
  });
});

describe('the API', () => {
  let token: unknown;
  beforeEach(async () => {
    token = (await postJson(tokenUrl(), clientCredentials())).json.access_token;
  });
  const devices = () => `${vendor.env.REVOLUTION_URL}/devices`;

  test('lists devices to the bearer', async () => {
    const { status, json } = await get(devices(), { Authorization: `Bearer ${token}` });
    expect(status).toBe(200);
    expect(json).toHaveLength(3);
    expect(vendor).toMatchObject({ apiCalls: 1, refusals: 0 });
  });

  test.each([
    ['no token', () => undefined],
    ['a token nobody issued', () => 'Bearer nobody-issued-this'],
    ['another scheme', () => `VBrick ${token}`],
  ])('answers 401 to %s', async (_title, value) => {
    const authorization = value();
    const answer = await get(devices(), authorization === undefined ? {} : { Authorization: authorization });
    expect(answer).toMatchObject({ status: 401, json: { error: 'invalid_token' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  });

  test('answers 401 once the hour is over', async () => {
    const headers = { Authorization: `Bearer ${token}` };
    now += 3_599_999;
    expect((await get(devices(), headers)).status).toBe(200);
    now += 1;
    expect((await get(devices(), headers)).status).toBe(401);
  });

  test('takes a command for a device', async () => {
    const body = { command: 'restart' };
    const answer = await postJson(`${devices()}/dev_1/commands`, body, { Authorization: `Bearer ${token}` });
    expect(answer).toMatchObject({ status: 202, json: { device: 'dev_1', command: 'restart' } });
  });

  test('sends events one by one', async () => {
    const url = `${vendor.env.REVOLUTION_URL}/events?count=3&interval=100`;
    const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const pieces: string[] = [];
    for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece).toString());
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('').match(/\n\n/g)).toHaveLength(3);
    expect(pieces[0]).toMatch(/^id: 1\nevent: device\ndata: \{.*\}\n\n/);
  });
});

import { createHash } from 'node:crypto';
import { fetch } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startVbrickRev, type VbrickRevVendor } from '../../src/demo/vbrick-rev.ts';
import { recording } from '../../src/demo/vbrick-rev-api.ts';
import { get, postJson } from './calls.ts';

let vendor: VbrickRevVendor;
let now = Date.parse('2017-08-31T14:00:10.495Z');
beforeEach(async () => {
  now = Date.parse('2017-08-31T14:00:10.495Z');
  vendor = await startVbrickRev({ now: () => now });
});
afterEach(() => vendor.close());

const tokenUrl = () => `${vendor.url}/api/v2/oauth/token`;
/** What Vbrick's own client sends to extend a session. */
const extension = () => ({
  apiKey: vendor.env.REV_API_KEY,
  refreshToken: vendor.env.REV_REFRESH_TOKEN,
  grantType: 'refresh_token',
});
const session = (authorization: string) =>
  get(`${vendor.url}/api/v2/user/session`, { Authorization: authorization });

describe('the token endpoint', () => {
  test('answers the initial request of the page with its five fields', async () => {
    const { status, json } = await postJson(tokenUrl(), {
      authCode: vendor.approve(),
      apiKey: vendor.env.REV_API_KEY,
      grantType: 'authorization_code',
      redirectUri: encodeURIComponent(vendor.redirectUri),
    });
    expect(status).toBe(200);
    expect(json).toEqual({
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      userId: expect.stringMatching(/^[0-9a-f]{8}-/),
      expiration: '2017-08-31T15:00:10.495Z',
      issuedBy: 'VBrick',
    });
  });

  test('extends a session: another access token, the same refresh token, the old access token over', async () => {
    const first = await postJson(tokenUrl(), extension());
    const second = await postJson(tokenUrl(), extension());
    expect(second.status).toBe(200);
    expect(second.json.refreshToken).toBe(first.json.refreshToken);
    expect(second.json.accessToken).not.toBe(first.json.accessToken);
    expect((await session(`VBrick ${first.json.accessToken}`)).status).toBe(401);
    expect((await session(`VBrick ${second.json.accessToken}`)).status).toBe(200);
  });

  test('no longer extends a session that has expired', async () => {
    await postJson(tokenUrl(), extension());
    now += 3_600_000;
    expect(await postJson(tokenUrl(), extension())).toMatchObject({
      status: 401,
      json: { code: 'Unauthorized' },
    });
  });

  test('takes a code once', async () => {
    const body = {
      authCode: vendor.approve(),
      apiKey: vendor.env.REV_API_KEY,
      grantType: 'authorization_code',
      redirectUri: vendor.redirectUri,
    };
    expect((await postJson(tokenUrl(), body)).status).toBe(200);
    expect((await postJson(tokenUrl(), body)).status).toBe(401);
  });

  test.each([
    ['a wrong apiKey', { apiKey: 'wrong' }, 401],
    ['no apiKey', { apiKey: undefined }, 400],
    ['no refreshToken', { refreshToken: undefined }, 400],
    ['an unknown refreshToken', { refreshToken: 'unknown' }, 401],
    ['a wrong authCode', { authCode: 'wrong' }, 401],
    ['a wrong redirectUri', { redirectUri: 'https://elsewhere.example.com/' }, 401],
    ['an unknown grantType', { grantType: 'client_credentials' }, 400],
    ['names of RFC 6749', { grantType: undefined, grant_type: 'refresh_token' }, 400],
  ])('refuses an extension with %s', async (_title, change, status) => {
    const answer = await postJson(tokenUrl(), { ...extension(), ...change });
    expect(answer).toMatchObject({ status, json: { code: expect.any(String), detail: expect.any(String) } });
  });

  test.each(['application/x-www-form-urlencoded', 'application/json-patch+json'])(
    'refuses %s',
    async (type) => {
      expect((await postJson(tokenUrl(), extension(), { 'Content-Type': type })).status).toBe(415);
    },
  );
});

describe('the API', () => {
  let token: unknown;
  beforeEach(async () => {
    token = (await postJson(tokenUrl(), extension())).json.accessToken;
  });

  test('takes the VBrick scheme alone', async () => {
    expect(await session(`VBrick ${token}`)).toMatchObject({
      status: 200,
      json: { expiration: '2017-08-31T15:00:10.495Z' },
    });
    expect((await session(`Bearer ${token}`)).status).toBe(401);
    expect((await session(`Vbrick ${token}`)).status).toBe(401);
    expect((await session(String(token))).status).toBe(401);
  });

  test('answers 401 after the expiration', async () => {
    now += 3_600_000;
    expect(await session(`VBrick ${token}`)).toMatchObject({ status: 401, json: { code: 'Unauthorized' } });
  });

  test('sends a video of the length asked for', async () => {
    const url = `${vendor.url}/api/v2/videos/c6f1b0a2/download?bytes=100001`;
    const response = await fetch(url, { headers: { Authorization: `VBrick ${token}` } });
    const body = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get('content-length')).toBe('100001');
    expect(body.equals(Buffer.from(Array.from({ length: 100_001 }, (_, n) => n & 0xff)))).toBe(true);
  });

  test('takes an upload piece by piece and answers its hash', async () => {
    const hash = createHash('sha256');
    for await (const piece of recording(3_000_000)) hash.update(piece);
    const response = await fetch(`${vendor.url}/api/v2/uploads/videos`, {
      method: 'POST',
      headers: { Authorization: `VBrick ${token}` },
      body: recording(3_000_000),
      duplex: 'half',
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ bytes: 3_000_000, sha256: hash.digest('hex') });
  });

  test('refuses an upload before its body is read', async () => {
    let sent = 0;
    async function* endless() {
      for await (const piece of recording(1024 ** 3)) {
        sent += piece.length;
        yield piece;
      }
    }
    const response = await fetch(`${vendor.url}/api/v2/uploads/videos`, {
      method: 'POST',
      body: endless(),
      duplex: 'half',
    });
    expect(response.status).toBe(401);
    await response.body?.cancel();
    expect(sent).toBeLessThan(1024 ** 3);
  });
});

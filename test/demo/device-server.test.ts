import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DeviceServer, startDeviceServer } from '../support/device-server.ts';
import { get, postForm } from './calls.ts';
import { open, passwordOf, submit } from './pages.ts';

let server: DeviceServer;
let now = 1_700_000_000_000;
beforeEach(async () => {
  server = await startDeviceServer({ now: () => now });
});
afterEach(() => server.close());

const begin = async () => {
  const { json } = await postForm(server.deviceUrl, { client_id: server.clientId });
  return json as Record<string, string>;
};
const poll = (device_code: string | undefined, client_id = server.clientId) =>
  postForm(server.tokenUrl, {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: device_code ?? '',
    client_id,
  });
const wait = (seconds: number) => {
  now += seconds * 1000;
};

test('gives codes, and a token once a person has logged in', async () => {
  const codes = await begin();
  expect(codes).toEqual({
    device_code: expect.any(String),
    user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
    verification_uri: `${server.url}/device`,
    verification_uri_complete: `${server.url}/device?user_code=${codes.user_code}`,
    expires_in: 600,
    interval: 5,
  });
  expect(server.waiting).toEqual([codes.user_code]);
  expect((await poll(codes.device_code)).json).toEqual({ error: 'authorization_pending' });

  const page = await open(codes.verification_uri_complete ?? '');
  const wrong = await submit(page, { username: server.user.name, password: 'wrong' });
  expect(wrong.status).toBe(401);
  expect((await submit(wrong, passwordOf(server.user))).text).toContain('Done');
  expect(server.logins).toBe(1);
  expect(server.waiting).toEqual([]);

  wait(5);
  const { status, json } = await poll(codes.device_code);
  expect(status).toBe(200);
  expect((await get(server.apiUrl, { Authorization: `Bearer ${json.access_token}` })).status).toBe(200);
  const refresh = { grant_type: 'refresh_token', refresh_token: String(json.refresh_token) };
  expect((await postForm(server.tokenUrl, { ...refresh, client_id: server.clientId })).status).toBe(200);
  expect(server.polls).toBe(2);
});

test('takes the code however it is typed', async () => {
  const codes = await begin();
  expect((await open(codes.verification_uri ?? '')).text).toContain('name="user_code"');
  const typed = codes.user_code?.toLowerCase().replace('-', ' ') ?? '';
  expect((await open(`${server.url}/device?user_code=${encodeURIComponent(typed)}`)).status).toBe(200);
  expect((await open(`${server.url}/device?user_code=BBBB`)).status).toBe(400);
  expect((await open(`${server.url}/device?user_code=`)).status).toBe(400);
});

test('slows a device down that polls too soon, by five seconds each time', async () => {
  const { device_code, user_code } = await begin();
  await poll(device_code);
  wait(4.999);
  expect((await poll(device_code)).json).toEqual({ error: 'slow_down' });
  server.decide(user_code ?? '', true);
  wait(9.999);
  expect((await poll(device_code)).json).toEqual({ error: 'slow_down' });
  expect(server.slowDowns).toBe(2);
  wait(15);
  expect((await poll(device_code)).status).toBe(200);
});

test('says when the person has refused', async () => {
  const { device_code, verification_uri_complete } = await begin();
  await submit(await open(verification_uri_complete ?? ''), {}, 'cancel');
  expect(await poll(device_code)).toMatchObject({ status: 400, json: { error: 'access_denied' } });
  expect(server.logins).toBe(0);
});

test('says when the codes have expired, to device and person', async () => {
  const { device_code, user_code, verification_uri_complete } = await begin();
  const page = await open(verification_uri_complete ?? '');
  wait(600);
  expect((await submit(page, passwordOf(server.user))).status).toBe(400);
  expect((await poll(device_code)).json).toEqual({ error: 'expired_token' });
  expect(() => server.decide(user_code ?? '', true)).toThrow(user_code);
});

test('gives one token for a code, to its client', async () => {
  const { device_code, user_code } = await begin();
  server.decide(user_code ?? '', true);
  expect(await poll(device_code, 'other')).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
  expect((await poll(device_code)).status).toBe(200);
  expect((await poll(device_code)).json).toEqual({ error: 'invalid_grant' });
  expect((await postForm(server.deviceUrl, {})).status).toBe(401);
});

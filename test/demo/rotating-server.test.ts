import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { type RotatingOptions, type RotatingServer, startRotating } from '../support/rotating-server.ts';
import { basic, get, postForm, postJson } from './calls.ts';

let server: RotatingServer;
let now = 1_700_000_000_000;
afterEach(() => server.close());
const start = async (options: RotatingOptions = {}) => {
  server = await startRotating({ now: () => now, ...options });
};
type Where = Pick<RotatingServer, 'tokenUrl' | 'apiUrl' | 'client'>;
const refresh = (refresh_token: unknown, { tokenUrl, client }: Where = server) =>
  postForm(
    tokenUrl,
    { grant_type: 'refresh_token', refresh_token: String(refresh_token) },
    basic(client.id, client.secret),
  );
const api = (token: unknown, { apiUrl }: Where = server) => get(apiUrl, { Authorization: `Bearer ${token}` });

test('takes each refresh token once and tells what happened', async () => {
  await start({ lifetime: 10 });
  const first = await refresh(server.refreshToken);
  expect(first.json).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 10,
    refresh_token: expect.any(String),
  });
  expect((await api(first.json.access_token)).status).toBe(200);
  const second = await refresh(first.json.refresh_token);
  expect(await refresh(server.refreshToken)).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  expect((await api(second.json.access_token)).status).toBe(401);
  expect((await refresh(second.json.refresh_token)).status).toBe(400);
  expect((await refresh('unknown')).status).toBe(400);
  const stats = { refreshes: 2, replays: 0, reuses: 1, invalidGrants: 3, familyRevoked: 1 };
  expect(server.stats).toEqual(stats);
  expect((await get(`${server.url}/stats`)).json).toEqual(stats);
});

test('gives the same pair again within the grace, until its successor is used', async () => {
  await start({ grace: 10 });
  const first = await refresh(server.refreshToken);
  const again = await refresh(server.refreshToken);
  expect(again.json).toEqual(first.json);
  expect(server.stats).toMatchObject({ refreshes: 1, replays: 1, reuses: 0, familyRevoked: 0 });
  await refresh(first.json.refresh_token);
  expect((await refresh(server.refreshToken)).status).toBe(400);
  expect(server.stats).toMatchObject({ replays: 1, reuses: 1, familyRevoked: 1 });
});

test('its access tokens expire', async () => {
  await start({ lifetime: 10 });
  const { json } = await refresh(server.refreshToken);
  now += 10_000;
  expect((await api(json.access_token)).status).toBe(401);
  expect((await api(undefined)).status).toBe(401);
});

test('loses as many answers as told, after they took effect', async () => {
  await start({ grace: 10, loseAnswers: 2 });
  for (let i = 0; i < 2; i++) await expect(refresh(server.refreshToken)).rejects.toThrow();
  expect((await refresh(server.refreshToken)).status).toBe(200);
  expect(server.stats).toMatchObject({ refreshes: 1, replays: 2 });
});

test('holds its answers after they took effect', async () => {
  await start({ hold: 60_000 });
  const waiting = expect(refresh(server.refreshToken)).rejects.toThrow();
  await expect.poll(() => server.stats.refreshes).toBe(1);
  await server.close();
  await waiting;
});

test('sessions are apart from each other', async () => {
  await start();
  const other = (await postJson(`${server.url}/begin`, {})).json.refresh_token;
  await refresh(server.refreshToken);
  await refresh(server.refreshToken);
  expect(server.stats.familyRevoked).toBe(1);
  expect((await refresh(other)).status).toBe(200);
  expect((await refresh(server.begin())).status).toBe(200);
});

test('knows its client by Basic or by the body', async () => {
  await start();
  const grant = { grant_type: 'refresh_token', refresh_token: server.refreshToken };
  const body = { client_id: server.client.id, client_secret: server.client.secret };
  expect((await postForm(server.tokenUrl, grant)).status).toBe(401);
  expect((await postForm(server.tokenUrl, { ...grant, ...body, client_secret: 'x' })).status).toBe(401);
  expect((await postForm(server.tokenUrl, { ...grant, ...body, grant_type: 'password' })).status).toBe(400);
  expect(server.stats).toMatchObject({ refreshes: 0, invalidGrants: 0 });
  expect((await postForm(server.tokenUrl, { ...grant, ...body })).status).toBe(200);
});

test('runs as a process of its own', async () => {
  await start();
  const script = new URL('../support/rotating-server.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, '--lifetime', '7', '--grace', '5', '--lose-answers', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(child.stdout, 'data');
    const where = JSON.parse(String(line));
    await expect(refresh(where.refreshToken, where)).rejects.toThrow();
    const { json } = await refresh(where.refreshToken, where);
    expect(json.expires_in).toBeLessThanOrEqual(7);
    expect((await api(json.access_token, where)).status).toBe(200);
    expect((await get(`${where.url}/stats`)).json).toMatchObject({ refreshes: 1, replays: 1 });
  } finally {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  }
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, redisIsMissing, startRedis } from '../store/redis-server.ts';
import { runCommand } from '../support/command.ts';
import { openLogin, pressLogin } from '../support/login-form.ts';
import { configFile, type Served, serve } from '../support/serve.ts';
import { answer, startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';

/* What a login brings exists nowhere else: a real `cupbearer serve` whose store goes away, and that is told to stop. */

let token: TokenEndpoint;
let directory: string;
let served: Served | undefined;
const env = { STORE_KEY: randomBytes(32).toString('base64') };

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cupbearer-login-'));
  token = await startTokenEndpoint(() => ({ json: answer('t', 3600, { refresh_token: 'r' }) }));
});
afterEach(async () => {
  await served?.end('SIGKILL');
  served = undefined;
  await token.close();
  rmSync(directory, { recursive: true, force: true });
});

const configuration = (store: string) =>
  configFile(
    directory,
    `
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
store: { url: "${store}", key: "\${STORE_KEY}" }
providers:
  scripted: { token: { url: "${token.url}", client_auth: none }, authorize: { url: "http://127.0.0.1:9/auth" } }
credentials:
  person: { provider: scripted, grant_type: authorization_code, client_id: desk }
routes:
  /person: { upstream: "http://127.0.0.1:9", credential: person }
`,
  );

async function start(store: string): Promise<string> {
  served = serve(configuration(store), env);
  return (await served.adminUrl) ?? '';
}

/** The provider sends the browser back: what the page says then. */
async function comeBack({ url, cookie }: { url: string; cookie: string }) {
  const { searchParams } = new URL(url);
  const back = `${searchParams.get('redirect_uri')}?code=x&state=${searchParams.get('state')}`;
  const response = await fetch(back, { headers: { cookie } });
  return { status: response.status, body: await response.text() };
}

async function sessions(file: string): Promise<unknown> {
  const { out } = await runCommand(['status', '--json', '-c', file], env).ended;
  return JSON.parse(out).credentials[0];
}

it('a stop waits for a login that is being finished, and keeps its session', async () => {
  const gate = Promise.withResolvers<void>();
  token.script = async () => {
    await gate.promise;
    return { json: answer('t', 3600, { refresh_token: 'r' }) };
  };
  const store = `sqlite:${directory}/sessions.db`;
  const page = comeBack(await pressLogin(await openLogin(await start(store), '/login/person')));
  await expect.poll(() => token.calls.length).toBe(1);
  const ended = served?.end('SIGTERM');
  await expect.poll(() => served?.output()).toContain('"stopping"');
  // Long enough for a stop that waits for nothing.
  await new Promise((resolve) => setTimeout(resolve, 300));
  gate.resolve();
  expect(await page).toMatchObject({ status: 200, body: expect.stringContaining('You are logged in') });
  expect(await ended).toBe(0);
  expect(await sessions(configuration(store))).toMatchObject({
    state: 'STORED',
    session: { refresh_token: 'stored' },
  });
});

describe.skipIf(redisIsMissing())('with the store in Redis', () => {
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(() => redis.close());

  it.each([
    ['is away', () => redis.stop()],
    ['cannot be written', () => redis.command('REPLICAOF', '127.0.0.1', '1')],
  ])('one that %s is told before anybody is asked to log in', async (_, spoil) => {
    const adminUrl = await start(redis.url);
    const page = await openLogin(adminUrl, '/login/person');
    await spoil();
    expect(await pressLogin(page).catch((error: Error) => error.message)).toMatch(/^503 .*Redis at/s);
    await expect(openLogin(adminUrl, '/login/person')).rejects.toThrow(/^503 .*Redis at/s);
    const command = await runCommand(['login', 'person', '-c', configuration(redis.url)], env).ended;
    expect(command).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('session store Redis at'),
    });
    expect(token.calls).toEqual([]);
  });

  it('one that goes away while the code is spent is waited for', async () => {
    const spent = Promise.withResolvers<void>();
    token.script = async () => {
      await redis.stop();
      spent.resolve();
      return { json: answer('t', 3600, { refresh_token: 'r' }) };
    };
    const adminUrl = await start(redis.url);
    const page = comeBack(await pressLogin(await openLogin(adminUrl, '/login/person')));
    await spent.promise;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await redis.start();
    expect(await page).toMatchObject({ status: 200, body: expect.stringContaining('You are logged in') });
    expect(token.calls).toHaveLength(1);
    expect(await sessions(configuration(redis.url))).toMatchObject({ session: { refresh_token: 'stored' } });
  });
});

import { createServer } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { presets } from '../../src/provider/presets.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createParts } from '../../src/token/parts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { answer, hourly, type Script, startTokenEndpoint } from '../support/token-endpoint.ts';
import { carried, closing, credentialConfig, failure, now, openRoom, until } from './setting.ts';

const refreshing = (token = 'r0') =>
  credentialConfig({ grant_type: 'refresh_token', refresh_token: new Secret(token) });

/** Lets the token in force expire. */
const expire = 3_600_000;

describe('client_credentials', () => {
  it('asks with the client, the scope and the credential’s own parameters', async () => {
    const { endpoint, registry } = await openRoom(undefined, {
      credentials: { acme: credentialConfig({ scope: 'a b', params: { audience: 'https://api' } }) },
    });
    const token = await registry.get('acme').acquire();
    expect(token.fields).toEqual(['Authorization', 'Bearer t1']);
    const [call] = endpoint.calls;
    expect(Object.fromEntries(call?.form ?? [])).toEqual({
      grant_type: 'client_credentials',
      scope: 'a b',
      audience: 'https://api',
    });
    expect(call?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from('id:client-secret').toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      'accept-encoding': 'identity',
      'user-agent': 'cupbearer',
    });
  });

  it('may have what it sends in its address, secrets too', async () => {
    const endpoint = await startTokenEndpoint();
    closing(() => endpoint.close());
    const { registry } = await openRoom(undefined, {
      credentials: { acme: credentialConfig({ scope: 'a b' }) },
      provider: { token: { url: `${endpoint.url}/{client_id}/{client_secret}?scope={scope}` } },
    });
    await registry.get('acme').acquire();
    expect(endpoint.calls[0]?.url).toMatch(/\/id\/client-secret\?scope=a%20b$/);
  });

  it('ignores a refresh token in the answer (RFC 6749 §4.4.3)', async () => {
    const { clock, endpoint, registry } = await openRoom((n) => ({
      json: answer(`t${n}`, 3600, { refresh_token: 'r1' }),
    }));
    await registry.get('acme').acquire();
    clock.step(expire);
    await registry.get('acme').acquire();
    expect(endpoint.calls.map(({ form }) => form.get('grant_type'))).toEqual(
      Array(2).fill('client_credentials'),
    );
  });
});

describe('password', () => {
  const login = credentialConfig({
    grant_type: 'password',
    username: 'u',
    password: new Secret('pass-word'),
  });

  it('logs in again for each token', async () => {
    const { clock, endpoint, registry } = await openRoom(undefined, { credentials: { acme: login } });
    await registry.get('acme').acquire();
    clock.step(expire);
    expect(carried(await registry.get('acme').acquire())).toBe('t2');
    for (const { form } of endpoint.calls) {
      expect(Object.fromEntries(form)).toEqual({
        grant_type: 'password',
        username: 'u',
        password: 'pass-word',
      });
    }
  });

  it('is refused for good when the password is wrong, and tries no more', async () => {
    const { endpoint, registry } = await openRoom(() => ({ status: 400, json: { error: 'invalid_grant' } }), {
      credentials: { acme: login },
    });
    for (let i = 0; i < 5; i++) await failure(() => registry.get('acme').acquire(), 'token-refused');
    expect(endpoint.calls.length).toBe(1);
  });
});

describe('refresh_token', () => {
  it.each([
    ['a new one replaces the old', { refresh_token: 'r1' }, 'r1'],
    ['the old one stays when absent', {}, 'r0'],
    ['the old one stays when null', { refresh_token: null }, 'r0'],
    ['the old one stays when empty', { refresh_token: '' }, 'r0'],
  ])('%s', async (_, more, second) => {
    const { clock, endpoint, registry } = await openRoom((n) => ({ json: answer(`t${n}`, 3600, more) }), {
      credentials: { acme: refreshing() },
    });
    await registry.get('acme').acquire();
    clock.step(expire);
    await registry.get('acme').acquire();
    expect(endpoint.calls.map(({ form }) => form.get('refresh_token'))).toEqual(['r0', second]);
    expect(endpoint.calls.map(({ form }) => form.get('grant_type'))).toEqual(Array(2).fill('refresh_token'));
  });

  it('keeps the refresh token of an answer that is otherwise of no use', async () => {
    const { clock, endpoint, registry } = await openRoom(
      (n) => ({ json: n === 1 ? { refresh_token: 'r1' } : answer('t', 3600) }),
      { credentials: { acme: refreshing() } },
    );
    const { retryAfterMs } = await failure(() => registry.get('acme').acquire(), 'token-answer-invalid');
    clock.step(Math.max(retryAfterMs as number, 1_000));
    await registry.get('acme').acquire();
    expect(endpoint.calls[1]?.form.get('refresh_token')).toBe('r1');
  });

  it('uses a fresh connection each time and repeats nothing that a provider refused to look at', async () => {
    const { clock, endpoint, registry } = await openRoom(
      (n, call) => (n === 2 ? { status: 429, json: {} } : hourly(n, call)),
      {
        credentials: { acme: refreshing() },
      },
    );
    await registry.get('acme').acquire();
    clock.step(expire);
    await failure(() => registry.get('acme').acquire(), 'token-unavailable');
    await clock.advance(1_600);
    await registry.get('acme').acquire();
    expect(endpoint.calls.length).toBe(3);
    expect(endpoint.connections).toBe(3);
    expect(endpoint.calls.every(({ headers }) => headers.connection === 'close')).toBe(true);
  });

  it('lets the flight outlive its waiters: 30 s against 10 s', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { clock, endpoint, registry, log } = await openRoom(
      async () => {
        await held;
        return { json: answer('t', 3600, { refresh_token: 'r1' }) };
      },
      { credentials: { acme: refreshing() } },
    );
    const wait = failure(() => registry.get('acme').acquire(), 'token-timeout');
    await until(() => endpoint.calls.length === 1);
    await clock.advance(20_000);
    await wait;
    release();
    await until(() => log.fetches.length === 1);
    expect(carried(now(registry.get('acme').acquire()))).toBe('t');
  });

  it('asks for a login, once, when the refresh token is refused, until another is configured', async () => {
    let configured = 'r0';
    const secret = new Secret('r0', () => configured);
    const script: Script = (n, { form }) =>
      form.get('refresh_token') === 'r0'
        ? { status: 400, json: { error: 'invalid_grant' } }
        : { json: answer(`t${n}`, 3600) };
    const { clock, endpoint, registry } = await openRoom(script, {
      credentials: { acme: credentialConfig({ grant_type: 'refresh_token', refresh_token: secret }) },
    });
    const acme = registry.get('acme');
    for (let i = 0; i < 100; i++) {
      const { message } = await failure(() => acme.acquire(), 'reauthorization-required');
      expect(message).toMatch(/credential acme: .*log in again/);
      await clock.advance(60_000);
    }
    expect(endpoint.calls.length).toBe(1);
    configured = 'r9';
    await clock.advance(15_000);
    expect(carried(await acme.acquire())).toBe('t2');
    expect(endpoint.calls[1]?.form.get('refresh_token')).toBe('r9');
  });

  it('asks for a login without a request when no refresh token is configured', async () => {
    const { endpoint, registry } = await openRoom(undefined, {
      credentials: { acme: credentialConfig({ grant_type: 'refresh_token' }) },
    });
    await failure(() => registry.get('acme').acquire(), 'reauthorization-required');
    expect(endpoint.calls.length).toBe(0);
  });
});

describe('a changed client secret', () => {
  it('is read again and tried at once when the provider refuses the client', async () => {
    let stored = 'client-secret';
    const secret = new Secret(stored, () => stored);
    const { endpoint, registry } = await openRoom(
      (n, call) =>
        call.headers.authorization === `Basic ${Buffer.from('id:new-secret').toString('base64')}`
          ? hourly(n, call)
          : { status: 401, json: { error: 'invalid_client' } },
      { credentials: { acme: credentialConfig({ client_secret: secret }) } },
    );
    stored = 'new-secret';
    expect(carried(await registry.get('acme').acquire())).toBe('t2');
    expect(endpoint.calls.length).toBe(2);
  });

  it('lifts the block of every tenant', async () => {
    let stored = 'client-secret';
    const secret = new Secret(stored, () => stored);
    const { clock, registry, endpoint } = await openRoom(
      (n, call) =>
        call.headers.authorization === `Basic ${Buffer.from('id:new-secret').toString('base64')}`
          ? hourly(n, call)
          : { status: 401, json: { error: 'invalid_client' } },
      {
        credentials: {
          acme: credentialConfig({ client_secret: secret, tenant: { header: 'x-tenant', max: 5 } }),
        },
      },
    );
    for (const tenant of ['a', 'b'])
      await failure(() => registry.get('acme', tenant).acquire(), 'token-refused');
    await clock.advance(15_000);
    expect(registry.view().map(({ refresh }) => refresh)).toEqual(['BLOCKED', 'BLOCKED']);
    stored = 'new-secret';
    await clock.advance(15_000);
    for (const tenant of ['a', 'b']) await registry.get('acme', tenant).acquire();
    expect(endpoint.calls.length).toBe(4);
  });
});

describe('the way to the token endpoint', () => {
  it.each([
    ['a redirect', { status: 302, headers: { location: '/elsewhere' }, json: {} }, 'token-refused'],
    [
      'a body over 1 MiB',
      { raw: ` ${JSON.stringify(answer('t', 3600))}`.padStart(1_048_577) },
      'token-answer-invalid',
    ],
    [
      'an announced length over 1 MiB',
      { raw: Buffer.alloc(1_048_577, 32), headers: { 'content-length': '1048577' } },
      'token-answer-invalid',
    ],
    [
      'a body that is not what its content coding says',
      { raw: 'x', headers: { 'content-encoding': 'gzip' } },
      'token-answer-invalid',
    ],
    ['a cut connection', { cut: true }, 'token-unavailable'],
  ])('does not follow, read or repeat on %s', async (_, reply, code) => {
    const { endpoint, registry } = await openRoom(() => reply);
    await failure(() => registry.get('acme').acquire(), code);
    expect(endpoint.calls.length).toBe(1);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('reads a body compressed with %s, which nobody asked for', async (coding, compress) => {
    const raw = compress(JSON.stringify(answer('t', 3600)));
    const { registry } = await openRoom(() => ({ raw, headers: { 'content-encoding': coding } }));
    expect(carried(await registry.get('acme').acquire())).toBe('t');
  });

  it('reads no more than 1 MiB of what a compressed body expands to', async () => {
    const raw = gzipSync(JSON.stringify(answer('t', 3600)).padStart(1_048_577));
    const { registry } = await openRoom(() => ({ raw, headers: { 'content-encoding': 'gzip' } }));
    await failure(() => registry.get('acme').acquire(), 'token-answer-invalid');
  });

  it('reads a body of exactly 1 MiB', async () => {
    const { registry } = await openRoom(() => ({
      raw: JSON.stringify(answer('t', 3600)).padStart(1_048_576),
    }));
    expect(carried(await registry.get('acme').acquire())).toBe('t');
  });

  it('says that nothing listens there, after a second try', async () => {
    const spare = createServer();
    await new Promise<void>((resolve) => spare.listen(0, '127.0.0.1', resolve));
    const { port } = spare.address() as { port: number };
    await new Promise((resolve) => spare.close(resolve));
    const { clock, registry, log } = await openRoom(undefined, {
      provider: { token: { url: `http://127.0.0.1:${port}/token` } },
    });
    const before = clock.pending;
    const wait = failure(() => registry.get('acme').acquire(), 'token-unavailable');
    await until(() => clock.pending === before + 3);
    await clock.advance(500);
    expect((await wait).message).toMatch(/ECONNREFUSED/);
    expect(log.failures).toMatchObject([
      { failure: { kind: 'transient', error: 'ECONNREFUSED', unsent: true } },
    ]);
  });

  it('goes past a proxy that the environment names', async () => {
    const asked: string[] = [];
    const proxy = createServer((socket) => {
      asked.push('proxy');
      socket.destroy();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    closing(() => new Promise((resolve) => proxy.close(resolve)));
    const { port } = proxy.address() as { port: number };
    const saved = { ...process.env };
    Object.assign(process.env, {
      http_proxy: `http://127.0.0.1:${port}`,
      HTTP_PROXY: `http://127.0.0.1:${port}`,
    });
    try {
      const { registry } = await openRoom();
      expect(carried(await registry.get('acme').acquire())).toBe('t1');
    } finally {
      delete process.env.http_proxy;
      delete process.env.HTTP_PROXY;
      Object.assign(process.env, saved);
    }
    expect(asked).toEqual([]);
  });
});

describe('R14 a grant that meets an error nobody expected', () => {
  it('ends as a failure that passes, so that its flight ends too', async () => {
    const clock = new ManualClock();
    const parts = createParts({
      config: {
        credentials: { acme: credentialConfig() },
        providers: { acme: resolveProvider('p', { token: { url: 'http://127.0.0.1/token' } }, presets) },
      },
      clock,
      store: createMemoryStore(() => clock.wall()),
      events: {},
      http: {
        send: () => {
          throw new TypeError('secret details');
        },
        close: async () => {},
      },
    });
    const answer = await parts
      .endpoint('acme', undefined)
      .send({ kind: 'token', params: {} }, new AbortController().signal);
    const outcome = { failure: answer };
    expect(outcome).toMatchObject({ failure: { kind: 'transient', error: 'internal' } });
    expect(JSON.stringify(outcome)).not.toContain('secret details');
  });
});

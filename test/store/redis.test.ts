import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { certificate } from '../support/certificate.ts';
import { storeConformance } from './conformance.ts';
import { type RedisServer, redisIsMissing, startRedis } from './redis-server.ts';
import { failureOf, fullSession, newKey, sentinel, smallSession } from './sessions.ts';

const acme = { credential: 'acme' };
const password = 'pass/word%42';

describe.skipIf(redisIsMissing())('the Redis store', () => {
  let server: RedisServer;
  const key = newKey();
  const opened: Store[] = [];

  const open = async (url = server.url, keys = [key]) => {
    const store = await openStore(
      { url: { kind: 'redis', url: new Secret(url) }, key: keys },
      { now: () => Date.now() },
    );
    opened.push(store);
    return store;
  };

  /** Why the store cannot be used, found out in less than 3 s. */
  const unavailable = async (work: () => Promise<unknown>) => {
    const start = performance.now();
    const { message } = await failureOf(work, 'store-unavailable');
    expect(performance.now() - start).toBeLessThan(3_000);
    expect(message).toContain('Redis at ');
    for (const secret of [password, encodeURIComponent(password), key.reveal(), sentinel]) {
      expect(message).not.toContain(secret);
    }
    return message;
  };

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    await server.command('FLUSHALL');
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  storeConformance(async () => ({
    store: await open(),
    other: await open(),
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 20)),
    close: async () => {},
  }));

  it('names its keys for people to read', async () => {
    const store = await open();
    await store.compareAndSet({ credential: 'acme', tenant: 'loc 1' }, undefined, smallSession('h1'));
    await store.lease({ credential: 'acme', tenant: 'loc 1' }, 'one', 60_000);
    const keys = await server.command('KEYS', '*');
    expect(keys).toContain('cupbearer:session:acme:loc%201\r\n');
    expect(keys).toContain('cupbearer:lease:acme:loc%201\r\n');
  });

  it('leaves no secret in clear, in the server or on its disk', async () => {
    const store = await open();
    await store.compareAndSet(acme, undefined, fullSession('h1'));
    await store.compareAndSet(acme, 'h1', fullSession('h2'));
    const held = await server.command('HGETALL', 'cupbearer:session:acme');
    expect(held).toContain('CUPB');
    const appended = join(server.dir, 'appendonlydir');
    const files = readdirSync(appended).map((file) => readFileSync(join(appended, file), 'latin1'));
    expect(files.join('')).toContain('cupbearer:session:acme');
    for (const text of [held, ...files]) {
      expect(text).not.toContain(sentinel);
      expect(text).not.toContain('refresh_token');
    }
  });

  it('lists many sessions once each', async () => {
    const store = await open();
    const tenants = Array.from({ length: 3_000 }, (_, i) => `t${i}`);
    await Promise.all(
      tenants.map((tenant) => store.compareAndSet({ ...acme, tenant }, undefined, smallSession('h'))),
    );
    const listed = await store.list();
    expect(listed.map(({ tenant }) => tenant).sort()).toEqual(tenants.sort());
  });

  it('ends a lease by the clock of the server', async () => {
    const store = await open();
    await store.lease(acme, 'one', 30_000.5);
    const left = Number((await server.command('PTTL', 'cupbearer:lease:acme')).slice(1));
    expect(left).toBeGreaterThan(25_000);
    expect(left).toBeLessThanOrEqual(30_001);
  });

  describe('does not overwrite', () => {
    const untouched = async (store: Store, code: 'store-unreadable' | 'store-unavailable') => {
      const before = await server.command('DUMP', 'cupbearer:session:acme');
      const messages: string[] = [];
      for (const work of [
        () => store.load(acme),
        () => store.compareAndSet(acme, 'h1', smallSession('h2')),
        () => store.compareAndSet(acme, undefined, smallSession('h2')),
      ]) {
        messages.push((await failureOf(work, code)).message);
      }
      expect(await server.command('DUMP', 'cupbearer:session:acme')).toBe(before);
      expect(new Set(messages).size).toBe(1);
      return messages[0]!;
    };

    it('what was sealed with another key', async () => {
      await (await open(server.url, [newKey()])).compareAndSet(acme, undefined, smallSession('h1'));
      expect(await untouched(await open(), 'store-unreadable')).toContain('not in store.key');
    });

    it('a session that was copied from another tenant', async () => {
      const store = await open();
      await store.compareAndSet({ ...acme, tenant: 't' }, undefined, smallSession('h1'));
      await server.command('COPY', 'cupbearer:session:acme:t', 'cupbearer:session:acme');
      expect(await untouched(store, 'store-unreadable')).toContain('altered or moved');
    });

    it('a session whose head was changed', async () => {
      const store = await open();
      await store.compareAndSet(acme, undefined, smallSession('h0'));
      await server.command('HSET', 'cupbearer:session:acme', 'head', 'h1');
      expect(await untouched(store, 'store-unreadable')).toContain('altered or moved');
    });

    it('the hash of another program', async () => {
      await server.command('HSET', 'cupbearer:session:acme', 'theirs', 'x');
      expect(await untouched(await open(), 'store-unreadable')).toContain(
        'not a record that Cupbearer wrote',
      );
    });

    it('a key of another type', async () => {
      await server.command('SET', 'cupbearer:session:acme', 'x');
      expect(await untouched(await open(), 'store-unavailable')).toContain('WRONGTYPE');
    });
  });

  it('refuses to list a key that it did not write', async () => {
    await server.command('HSET', 'cupbearer:session:a b', 'x', 'y');
    const { message } = await failureOf(async () => (await open()).list(), 'store-unreadable');
    expect(message).toContain('"a b"');
  });

  it('gives up on a server that answers nothing, and uses it again when it does', async () => {
    const store = await open();
    await store.compareAndSet(acme, undefined, smallSession('h1'));
    server.freeze();
    try {
      const messages = await Promise.all([
        unavailable(() => store.load(acme)),
        unavailable(() => store.list()),
        unavailable(() => store.lease(acme, 'one', 1_000)),
      ]);
      expect(messages[0]).toBe(
        `the session store Redis at 127.0.0.1:${server.port} cannot be used: no answer within 2 s`,
      );
    } finally {
      server.thaw();
    }
    expect(await store.load(acme)).toEqual(smallSession('h1'));
  });

  it('connects again when a connection has silently died', async () => {
    // Stands between, and drops what the connections that it has by then carry.
    const dead = new Set<Socket>();
    const sockets = new Set<Socket>();
    const between = createServer((socket) => {
      const behind = connect(server.port, '127.0.0.1');
      sockets.add(socket);
      socket.on('data', (chunk) => void (dead.has(socket) || behind.write(chunk)));
      behind.on('data', (chunk) => void (dead.has(socket) || socket.write(chunk)));
      socket.on('close', () => behind.destroy()).on('error', () => {});
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    const { port } = between.address() as { port: number };
    const store = await open(`redis://127.0.0.1:${port}`);
    await store.compareAndSet(acme, undefined, smallSession('h1'));
    for (const socket of sockets) dead.add(socket);
    expect(await unavailable(() => store.load(acme))).toContain('no answer within 2 s');
    expect(await store.load(acme)).toEqual(smallSession('h1'));
    expect(sockets.size).toBe(2);
    await store.close();
    between.close();
  });

  it('closes while the server answers nothing', async () => {
    const store = await open();
    await store.load(acme);
    server.freeze();
    try {
      const loading = unavailable(() => store.load(acme));
      const start = performance.now();
      await store.close();
      expect(performance.now() - start).toBeLessThan(1_000);
      await loading;
    } finally {
      server.thaw();
    }
    await store.close();
    expect(await unavailable(() => store.load(acme))).toContain('it is closed');
  });

  describe('with a server of its own', () => {
    let own: RedisServer;
    beforeEach(async () => {
      own = await startRedis();
    });
    afterEach(() => own.close());

    it('fails fast while the server is down and goes on when it is back', async () => {
      const store = await open(own.url);
      await store.compareAndSet(acme, undefined, fullSession('h1'));
      await own.stop();
      for (let i = 0; i < 3; i++) {
        const message = await unavailable(() => store.compareAndSet(acme, 'h1', smallSession('h2')));
        expect(message).toContain(`127.0.0.1:${own.port}`);
      }
      const crowd = Array.from({ length: 100 }, () => unavailable(() => store.load(acme)));
      await Promise.all(crowd);
      await own.start();
      expect(await store.load(acme)).toEqual(fullSession('h1'));
      expect(await store.compareAndSet(acme, 'h1', smallSession('h2'))).toBe(true);
    });

    it('opens while the server is down and works when it is up', async () => {
      await own.stop();
      const store = await open(own.url);
      expect(await unavailable(() => store.load(acme))).toContain('ECONNREFUSED');
      await own.start();
      expect(await store.load(acme)).toBeUndefined();
    });

    it('closes while the server is down', async () => {
      const store = await open(own.url);
      await store.load(acme);
      await own.stop();
      const start = performance.now();
      await store.close();
      expect(performance.now() - start).toBeLessThan(1_000);
    });

    it('goes on after the server has forgotten its scripts', async () => {
      const store = await open(own.url);
      await store.compareAndSet(acme, undefined, smallSession('h1'));
      await own.command('SCRIPT', 'FLUSH');
      expect(await store.compareAndSet(acme, 'h1', smallSession('h2'))).toBe(true);
    });

    it('says that it may not write to a replica', async () => {
      const store = await open(own.url);
      await store.compareAndSet(acme, undefined, smallSession('h1'));
      await own.command('REPLICAOF', '127.0.0.1', '1');
      const message = await unavailable(() => store.compareAndSet(acme, 'h1', smallSession('h2')));
      expect(message).toContain('it is a replica, which cannot be written');
      await own.command('REPLICAOF', 'NO', 'ONE');
      expect(await store.compareAndSet(acme, 'h1', smallSession('h2'))).toBe(true);
    });

    it('says that the server is out of memory', async () => {
      const store = await open(own.url);
      await own.command('CONFIG', 'SET', 'maxmemory', '1');
      const message = await unavailable(() => store.compareAndSet(acme, undefined, smallSession('h1')));
      expect(message).toContain('raise its maxmemory (OOM)');
      expect(await store.load(acme)).toBeUndefined();
    });

    it('says that the server wants a password, or another one', async () => {
      await own.stop();
      await own.start([
        `requirepass "${password}"`,
        'user app on >app-password ~* +@read',
        'user half on >app-password ~* +@read +eval',
        'user full on >app-password ~cupbearer:* +@read +@write +@scripting',
      ]);
      expect(await unavailable(async () => (await open(own.url)).load(acme))).toContain(
        'it wants a password',
      );
      const at = (userinfo: string) => `redis://${userinfo}@127.0.0.1:${own.port}/0`;
      const right = encodeURIComponent(password);
      const wrong = await open(at(`:${right}x`));
      expect(await unavailable(() => wrong.load(acme))).toContain('refuses the user or password');
      const app = await open(at('app:app-password'));
      expect(await unavailable(() => app.lease(acme, 'one', 1_000))).toContain('lacks rights');
      const half = await open(at('half:app-password'));
      expect(await unavailable(() => half.lease(acme, 'one', 1_000))).toContain('lacks rights');
      const full = await open(at('full:app-password'));
      expect(await full.lease(acme, 'one', 1_000)).toBe('one');
      expect(await full.compareAndSet(acme, undefined, smallSession('h0'))).toBe(true);
      expect(await full.list()).toEqual([acme]);
      await full.delete(acme);
      await full.release(acme, 'one');
      const store = await open(at(`:${right}`));
      expect(await store.compareAndSet(acme, undefined, smallSession('h1'))).toBe(true);
      expect(await (await open(at(`default:${right}`))).load(acme)).toEqual(smallSession('h1'));
    });

    it('keeps to the database of its URL', async () => {
      const store = await open(`${own.url}/3`);
      await store.compareAndSet(acme, undefined, smallSession('h1'));
      expect(await (await open(own.url)).load(acme)).toBeUndefined();
      expect(await (await open(`${own.url}/3`)).load(acme)).toEqual(smallSession('h1'));
      expect(await unavailable(async () => (await open(`${own.url}/99`)).load(acme))).toContain('error ERR');
    });
  });

  it('speaks rediss:// to a server whose certificate it trusts, and to no other', async () => {
    const { cert, key: certKey, remove } = certificate();
    // In front of the server, with its own end of the encryption.
    const heard: string[] = [];
    const front = createTlsServer({ cert, key: certKey }, (socket) => {
      const behind = connect(server.port, '127.0.0.1');
      socket.on('data', (chunk) => heard.push(String(chunk)));
      socket.pipe(behind).pipe(socket);
      socket.on('error', () => behind.destroy());
      behind.on('error', () => socket.destroy());
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const { port } = front.address() as { port: number };
    const before = getCACertificates();
    try {
      const store = await open(`rediss://127.0.0.1:${port}`);
      expect(await unavailable(() => store.load(acme))).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
      expect(heard).toEqual([]);
      setDefaultCACertificates([...before, String(cert)]);
      const trusting = await open(`rediss://127.0.0.1:${port}`);
      expect(await trusting.compareAndSet(acme, undefined, smallSession('h1'))).toBe(true);
      expect(await trusting.load(acme)).toEqual(smallSession('h1'));
      expect(heard.length).toBeGreaterThan(0);
    } finally {
      setDefaultCACertificates(before);
      for (const store of opened.splice(0)) await store.close();
      front.close();
      remove();
    }
  });

  it.each([
    'redis://',
    'redis://:p%ZZ@host',
    'redis://:secret@host:99999/0',
    'redis://:secret@host/zero',
    'redis://:secret@host/0/1',
    'http://:secret@host',
    'redis://:sec ret@ho st',
  ])('refuses the URL %s without showing it', async (url) => {
    const { message } = await failureOf(() => open(url), 'configuration-invalid');
    expect(message).toContain('store.url');
    expect(message).not.toContain('secret');
    expect(message).not.toContain('host:99999');
  });

  it('says that a host has no address', async () => {
    const store = await open('redis://no-such-host.invalid:6380');
    expect(await unavailable(() => store.load(acme))).toContain('no-such-host.invalid:6380');
  });
});

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openStore } from '../../src/store/open.ts';
import { openDatabase } from '../../src/store/sqlite-database.ts';
import type { Store } from '../../src/store/store.ts';
import { storeConformance } from './conformance.ts';
import { runChildren } from './counting.ts';
import { failureOf, fullSession, newKey, sentinel, smallSession } from './sessions.ts';

const acme = { credential: 'acme' };

describe('the SQLite store', () => {
  let dir: string;
  let path: string;
  const key = newKey();
  const opened: Store[] = [];
  let now = Date.UTC(2030, 0, 1);

  const open = async () => {
    const store = await openStore({ url: { kind: 'sqlite', path }, key }, { now: () => now });
    opened.push(store);
    return store;
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'cupbearer-store-'));
    path = join(dir, 'state', 'sessions.db');
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    rmSync(dir, { recursive: true });
  });

  storeConformance(async () => ({
    store: await open(),
    other: await open(),
    async pass(ms) {
      now += ms;
    },
    close: async () => {},
  }));

  it('keeps its sessions when it is closed and opened again', async () => {
    const first = await open();
    await first.compareAndSet(acme, undefined, fullSession('h1'));
    await first.close();
    expect(await (await open()).load(acme)).toEqual(fullSession('h1'));
  });

  it("is not taken for another program's by a process that looks while another lays it out", async () => {
    mkdirSync(join(dir, 'state'), { mode: 0o700 });
    // A header and nothing else: the other process has begun.
    const begun = new DatabaseSync(path);
    begun.exec('PRAGMA journal_mode = WAL');
    begun.close();
    chmodSync(path, 0o600);
    const { prepare } = DatabaseSync.prototype;
    let isOther = false;
    const spy = vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (
      this: DatabaseSync,
      query: string,
    ) {
      if (!isOther && query === 'PRAGMA user_version') {
        isOther = true;
        const other = new DatabaseSync(path);
        other.exec(`BEGIN; CREATE TABLE session (name TEXT PRIMARY KEY NOT NULL, head TEXT NOT NULL, sealed BLOB NOT NULL) STRICT;
          CREATE TABLE lease (name TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, until_wall INTEGER NOT NULL, ttl_ms INTEGER NOT NULL) STRICT;
          PRAGMA application_id = 0x43555042; PRAGMA user_version = 1; COMMIT`);
        other.close();
      }
      return prepare.call(this, query);
    });
    try {
      const store = await open();
      expect(isOther).toBe(true);
      expect(await store.compareAndSet(acme, undefined, smallSession('h1'))).toBe(true);
    } finally {
      spy.mockRestore();
    }
  });

  it('writes no secret in clear, to the database or beside it', async () => {
    const store = await open();
    for (let i = 0; i < 20; i++) {
      await store.compareAndSet({ credential: 'acme', tenant: `${i}` }, undefined, fullSession('h1'));
    }
    const files = readdirSync(join(dir, 'state'));
    expect(files.sort()).toEqual(['sessions.db', 'sessions.db-shm', 'sessions.db-wal']);
    for (const file of files) {
      const bytes = readFileSync(join(dir, 'state', file));
      expect(bytes.includes(sentinel)).toBe(false);
      expect(bytes.includes('refresh_token')).toBe(false);
      expect(bytes.includes(key.reveal())).toBe(false);
    }
    // The scan finds what is in clear.
    expect(readFileSync(`${path}-wal`).includes('acme:19')).toBe(true);
  });

  it.each([0, 0o277])(
    'makes its file and all beside it for its user alone with a umask of %i',
    async (umask) => {
      if (umask === 0o277) mkdirSync(join(dir, 'state'), 0o700);
      const before = process.umask(umask);
      try {
        const store = await open();
        await store.compareAndSet(acme, undefined, fullSession('h1'));
      } finally {
        process.umask(before);
      }
      expect(statSync(join(dir, 'state')).mode & 0o7777).toBe(0o700);
      const files = readdirSync(join(dir, 'state'));
      expect(files.length).toBe(3);
      for (const file of files) {
        expect({ file, mode: statSync(join(dir, 'state', file)).mode & 0o7777 }).toEqual({
          file,
          mode: 0o600,
        });
      }
    },
  );

  it('has every commit on the disk before it goes on', async () => {
    await open();
    const database = await openDatabase(path, () => {});
    try {
      expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
      expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    } finally {
      database.close();
    }
  });

  it('frees a lease that was taken before the clock was set back', async () => {
    const store = await open();
    await store.lease(acme, 'one', 30_000);
    now -= 59_000;
    expect(await store.lease(acme, 'two', 30_000)).toBe('one');
    now -= 2_000;
    expect(await store.lease(acme, 'two', 30_000)).toBe('two');
  });

  it('waits for another process that has the file locked, without blocking the event loop', async () => {
    const store = await open();
    const database = new DatabaseSync(path);
    try {
      database.exec('BEGIN IMMEDIATE');
      const start = performance.now();
      let longest = 0;
      let last = start;
      const beat = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 1);
      const writing = store.compareAndSet(acme, undefined, smallSession('h1'));
      // Reading goes on meanwhile.
      expect(await store.load(acme)).toBeUndefined();
      await new Promise((resolve) => setTimeout(resolve, 400));
      database.exec('COMMIT');
      expect(await writing).toBe(true);
      clearInterval(beat);
      expect(longest).toBeLessThan(250);
    } finally {
      database.close();
    }
  });

  it('gives up after 5 s on a file that stays locked', async () => {
    const store = await open();
    const database = new DatabaseSync(path);
    try {
      database.exec('BEGIN IMMEDIATE');
      const start = performance.now();
      const { message } = await failureOf(
        () => store.compareAndSet(acme, undefined, smallSession('h1')),
        'store-unavailable',
      );
      expect(performance.now() - start).toBeLessThan(6_500);
      expect(message).toContain(path);
      expect(message).toContain('locked by another process');
    } finally {
      database.close();
    }
    expect(await store.compareAndSet(acme, undefined, smallSession('h1'))).toBe(true);
  });

  it('says that it is closed', async () => {
    const store = await open();
    await store.close();
    await store.close();
    await failureOf(() => store.load(acme), 'store-unavailable');
  });

  it.each([2, 4])('loses no compare-and-set of %i processes', async (processes) => {
    const store = await open();
    await runChildren(processes, { mode: 'compare', path, key: key.reveal(), times: 60 });
    expect((await store.load(acme))?.refresh_token).toBe(`${processes * 60}`);
  });

  it('lets 4 processes start at once on no file', async () => {
    await runChildren(4, { mode: 'compare', path, key: key.reveal(), times: 5 });
    expect((await (await open()).load(acme))?.refresh_token).toBe('20');
  });

  it.each([2, 4])('lets one of %i processes at a time hold a lease', async (processes) => {
    await open();
    const counter = join(dir, 'counter');
    await runChildren(processes, { mode: 'lease', path, key: key.reveal(), times: 25, counter });
    expect(readFileSync(counter, 'utf8')).toBe(`${processes * 25}`);
  });
});

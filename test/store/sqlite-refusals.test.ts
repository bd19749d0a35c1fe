import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { failureOf, fullSession, newKey, smallSession } from './sessions.ts';

const acme = { credential: 'acme' };
const root = process.geteuid?.() === 0;

describe('the SQLite store', () => {
  let dir: string;
  let path: string;
  const key = newKey();
  const opened: Store[] = [];

  const open = async (keys = [key], file = path) => {
    const store = await openStore(
      { url: { kind: 'sqlite', path: file }, key: keys },
      { now: () => Date.now() },
    );
    opened.push(store);
    return store;
  };

  /** A closed store with sessions, in one file. */
  const written = async (file = path, sessions = 3) => {
    const store = await openStore({ url: { kind: 'sqlite', path: file }, key }, { now: () => Date.now() });
    for (let i = 0; i < sessions; i++) {
      await store.compareAndSet({ credential: 'acme', tenant: `${i}` }, undefined, fullSession('h1'));
    }
    await store.close();
  };

  /** The refusal to open; nothing that was there is changed by it. */
  const refusal = async (code: ErrorCode = 'store-unreadable', keys = [key]) => {
    const before = contents(dir);
    const { message } = await failureOf(() => open(keys), code);
    expect(contents(dir)).toMatchObject(before);
    return message;
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'cupbearer-store-'));
    path = join(dir, 'sessions.db');
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    rmSync(dir, { recursive: true });
  });

  describe('refuses, without touching it, a file that', () => {
    it('other users may read', async () => {
      await written();
      chmodSync(path, 0o644);
      expect(await refusal()).toBe(`${path} is open to other users (mode 0644): chmod 600 ${path}`);
      chmodSync(path, 0o600);
      await open();
    });

    it.each([0o640, 0o604, 0o620, 0o602, 0o610])('has mode %o', async (mode) => {
      await written();
      chmodSync(path, mode);
      expect(await refusal()).toContain('chmod 600');
    });

    it.each(['-wal', '-shm', '-journal'])('has a %s that other users may read', async (end) => {
      await written();
      writeFileSync(path + end, '');
      chmodSync(path + end, 0o644);
      expect(await refusal()).toContain(`${path}${end} is open to other users`);
    });

    it('is a symbolic link', async () => {
      await written(join(dir, 'real.db'));
      symlinkSync('real.db', path);
      expect(await refusal()).toContain(`${path} is a symbolic link`);
    });

    it('is a symbolic link to nothing', async () => {
      symlinkSync('nothing.db', path);
      expect(await refusal()).toContain(`${path} is a symbolic link`);
      expect(existsSync(join(dir, 'nothing.db'))).toBe(false);
    });

    it.each(['-wal', '-shm', '-journal'])('has a symbolic link for its %s', async (end) => {
      await written();
      writeFileSync(join(dir, 'victim'), 'precious', { mode: 0o600 });
      symlinkSync('victim', path + end);
      expect(await refusal()).toContain(`${path}${end} is a symbolic link`);
    });

    it('is a directory', async () => {
      mkdirSync(path);
      expect(await refusal()).toContain('not a regular file');
    });

    it('is a socket', async () => {
      const server = createServer().listen(path);
      await once(server, 'listening');
      expect(await refusal()).toContain('not a regular file');
      server.close();
    });

    it('belongs to another user', async () => {
      // Whoever runs this, one of these belongs to somebody else.
      const file = root ? path : '/etc/passwd';
      if (root) {
        await written();
        chownSync(path, 12_345, 12_345);
      }
      const { message } = await failureOf(() => open([key], file), 'store-unreadable');
      expect(message).toContain(`belongs to user ${root ? 12_345 : 0}`);
      expect(message).toContain('chown');
    });

    it('is no database', async () => {
      writeFileSync(path, 'this is no database. '.repeat(500), { mode: 0o600 });
      expect(await refusal()).toContain(`${path} is not a SQLite database`);
    });

    it('is shorter than a database', async () => {
      writeFileSync(path, 'x', { mode: 0o600 });
      expect(await refusal()).toContain(path);
    });

    it('was cut off anywhere', async () => {
      await written(path, 20);
      const whole = readFileSync(path);
      for (let size = 1; size < whole.length; size += 997) {
        writeFileSync(path, whole.subarray(0, size));
        expect(await refusal()).toContain(path);
      }
      writeFileSync(path, whole);
      expect((await (await open()).list()).length).toBe(20);
    });

    it('was overwritten in part', async () => {
      await written(path, 20);
      const whole = readFileSync(path);
      for (let at = 4096; at < whole.length; at += 4096) {
        writeFileSync(path, Buffer.from(whole).fill(0xa5, at, at + 512));
        expect(await refusal()).toContain(path);
      }
    });

    it('is the database of another program', async () => {
      const database = new DatabaseSync(path);
      database.exec('CREATE TABLE session (id INTEGER); INSERT INTO session VALUES (1)');
      database.close();
      chmodSync(path, 0o600);
      expect(await refusal()).toContain('is the database of another program');
    });

    it('a newer version wrote', async () => {
      await written();
      const database = new DatabaseSync(path);
      database.exec('PRAGMA user_version = 2');
      database.close();
      expect(await refusal()).toContain('newer version of Cupbearer (layout 2, this one knows 1)');
    });

    it('lacks a table', async () => {
      await written();
      const database = new DatabaseSync(path);
      database.exec('DROP TABLE lease');
      database.close();
      expect(await refusal()).toContain('is not laid out as a session store');
    });

    it('is sealed with another key', async () => {
      await written();
      const message = await refusal('store-unreadable', [newKey()]);
      expect(message).toContain(
        'the session of credential "acme", tenant "0" in the store is sealed with key',
      );
      expect(message).toContain('not in store.key');
      expect((await (await open([newKey(), key])).list()).length).toBe(3);
    });

    it('is gone while its -wal is there', async () => {
      await written(join(dir, 'other.db'));
      writeFileSync(`${path}-wal`, 'rows that were never moved', { mode: 0o600 });
      expect(await refusal()).toContain(`${path}-wal belongs to a database that is gone`);
      expect(existsSync(path)).toBe(false);
      writeFileSync(path, '', { mode: 0o600 });
      expect(await refusal()).toContain(`${path}-wal belongs to a database that is gone`);
    });
  });

  it('moves nothing from a -wal of another store into the database when the key is not that of the other', async () => {
    await written();
    const foreign = join(dir, 'foreign', 'sessions.db');
    const theirs = newKey();
    const store = await open([theirs], foreign);
    for (let i = 0; i < 5; i++) {
      await store.compareAndSet({ credential: 'acme', tenant: `${i}` }, undefined, smallSession('h9'));
    }
    copyFileSync(`${foreign}-wal`, `${path}-wal`);
    expect(await refusal()).toContain('not in store.key');
    rmSync(`${path}-wal`);
    rmSync(`${path}-shm`);
    expect(await (await open()).load({ credential: 'acme', tenant: '1' })).toEqual(fullSession('h1'));
  });

  it('leaves the -wal of a crashed process as it is when it refuses, and reads it when it does not', async () => {
    await open();
    const store = await open();
    await store.compareAndSet(acme, undefined, fullSession('h1'));
    const crashed = join(dir, 'crashed');
    mkdirSync(crashed, 0o700);
    for (const end of ['', '-wal', '-shm']) copyFileSync(path + end, join(crashed, `sessions.db${end}`));
    path = join(crashed, 'sessions.db');
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    await refusal('store-unreadable', [newKey()]);
    rmSync(`${path}-shm`);
    await refusal('store-unreadable', [newKey()]);
    expect(await (await open()).load(acme)).toEqual(fullSession('h1'));
  });

  describe('undoes a transaction that was cut short without a -wal', () => {
    /** What a process leaves that is killed in such a transaction. */
    const cutShort = () => {
      const script = `
        const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
        process.umask(0o077);
        const database = new DatabaseSync(process.argv[1]);
        database.exec('PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN; CREATE TABLE unfinished (x)');
        const insert = database.prepare('INSERT INTO unfinished VALUES (zeroblob(9000))');
        for (let i = 0; i < 50; i++) insert.run();
        process.kill(process.pid, 'SIGKILL');
      `;
      expect(spawnSync(process.execPath, ['-e', script, path]).signal).toBe('SIGKILL');
      expect(statSync(path).size).toBeGreaterThan(0);
      expect(statSync(`${path}-journal`).size).toBeGreaterThan(0);
    };

    it('and lays out the new database', async () => {
      cutShort();
      const store = await open();
      expect(await store.list()).toEqual([]);
      expect(await store.compareAndSet(acme, undefined, smallSession('h1'))).toBe(true);
    });

    it('and looks at what is there before it goes on', async () => {
      await written();
      cutShort();
      const { message } = await failureOf(() => open([newKey()]), 'store-unreadable');
      expect(message).toContain('not in store.key');
      expect(await (await open()).load({ ...acme, tenant: '1' })).toEqual(fullSession('h1'));
    });
  });

  describe('refuses a directory that', () => {
    it.each([0o777, 0o770, 0o722, 0o702])('has mode %o', async (mode) => {
      const open_ = join(dir, 'open');
      mkdirSync(open_);
      chmodSync(open_, mode);
      path = join(open_, 'sessions.db');
      const message = await refusal();
      expect(message).toContain(`other users may replace files in the directory ${open_}`);
      expect(message).toContain(`chmod go-w ${open_}`);
      expect(readdirSync(open_)).toEqual([]);
    });

    it.runIf(root)('belongs to another user', async () => {
      const theirs = join(dir, 'theirs');
      mkdirSync(theirs, 0o755);
      chownSync(theirs, 12_345, 12_345);
      path = join(theirs, 'sessions.db');
      expect(await refusal()).toContain('belongs to user 12345, who could replace the sessions');
    });

    it('is a file', async () => {
      writeFileSync(join(dir, 'file'), 'x');
      path = join(dir, 'file', 'sessions.db');
      expect(await refusal('store-unavailable')).toContain('EEXIST');
    });
  });

  it('accepts a directory that is open to all but sticky, and makes those that are missing', async () => {
    chmodSync(dir, 0o1777);
    await written();
    path = join(dir, 'a', "it's", 'sessions.db');
    await written();
    expect(statSync(join(dir, 'a')).mode & 0o777).toBe(0o700);
    chmodSync(path, 0o644);
    expect(await refusal()).toContain(`chmod 600 '${dir}/a/it'\\''s/sessions.db'`);
  });

  it('refuses a session that was copied to another tenant, and does not overwrite it', async () => {
    await written();
    const database = new DatabaseSync(path);
    const read = () => database.prepare("SELECT head, sealed FROM session WHERE name = 'acme:1'").get();
    database.exec(
      "UPDATE session SET sealed = (SELECT sealed FROM session WHERE name = 'acme:2') WHERE name = 'acme:1'",
    );
    const before = read();
    const store = await open();
    const tenant = { credential: 'acme', tenant: '1' };
    for (const work of [
      () => store.load(tenant),
      () => store.compareAndSet(tenant, 'h1', smallSession('h2')),
      () => store.compareAndSet(tenant, undefined, smallSession('h2')),
    ]) {
      const { message } = await failureOf(work, 'store-unreadable');
      expect(message).toContain('tenant "1"');
      expect(message).toContain('altered or moved');
    }
    expect(read()).toEqual(before);
    database.close();
    expect(await store.load({ credential: 'acme', tenant: '2' })).toEqual(fullSession('h1'));
    await store.delete(tenant);
    expect(await store.compareAndSet(tenant, undefined, smallSession('h2'))).toBe(true);
  });

  it('does not overwrite what another process sealed with a key it lacks', async () => {
    const old = await open();
    await old.compareAndSet(acme, undefined, smallSession('h1', 'old'));
    const fresh = newKey();
    const ahead = await open([fresh, key]);
    expect(await ahead.compareAndSet(acme, 'h1', smallSession('h1', 'new'))).toBe(true);
    const { message } = await failureOf(
      () => old.compareAndSet(acme, 'h1', smallSession('h2', 'lost')),
      'store-unreadable',
    );
    expect(message).toContain('not in store.key');
    expect(await ahead.load(acme)).toEqual(smallSession('h1', 'new'));
  });

  it('seals with the first key of the list and opens with all', async () => {
    await written();
    const fresh = newKey();
    const tenant = { credential: 'acme', tenant: '0' };
    const both = await open([fresh, key]);
    expect(await both.load(tenant)).toEqual(fullSession('h1'));
    expect(await both.compareAndSet(tenant, 'h1', smallSession('h2'))).toBe(true);
    await both.close();
    expect(await (await open([fresh])).load(tenant)).toEqual(smallSession('h2'));
  });

  it.each([
    ['removed', () => rmSync(path)],
    ['moved', () => renameSync(path, `${path}.old`)],
    [
      'replaced',
      () => {
        linkSync(path, `${path}.old`);
        writeFileSync(`${path}.new`, '', { mode: 0o600 });
        renameSync(`${path}.new`, path);
      },
    ],
  ])('says so when its file was %s while in use', async (_, change) => {
    const store = await open();
    await store.compareAndSet(acme, undefined, smallSession('h1'));
    change();
    for (const work of [() => store.load(acme), () => store.compareAndSet(acme, 'h1', smallSession('h2'))]) {
      const { message } = await failureOf(work, 'store-unavailable');
      expect(message).toContain('was moved, removed or replaced while in use');
    }
  });

  it('says so when its file was cut off while in use', async () => {
    await written(path, 20);
    const store = await open();
    truncateSync(path, 4096);
    await failureOf(async () => {
      for (let i = 0; i < 20; i++) await store.load({ credential: 'acme', tenant: `${i}` });
    }, 'store-unreadable');
  });

  it('says so when the disk is full, loses nothing and goes on when there is room', async () => {
    // A limit on the size of files stands for the full disk: it needs no rights.
    const child = new URL('full-disk-child.ts', import.meta.url).pathname;
    const out = execFileSync(
      'bash',
      ['-c', `trap '' XFSZ; ulimit -S -f 256; exec "$0" "$1" "$2"`, process.execPath, child, path],
      { input: key.reveal(), encoding: 'utf8' },
    );
    const { written: count, code, message, after } = JSON.parse(out);
    expect(code).toBe('store-unavailable');
    expect(message).toContain(path);
    expect(count).toBeGreaterThan(0);
    expect(after).toBe(true);
    const store = await open();
    expect((await store.list()).length).toBe(count);
    for (let i = 0; i < count; i++) expect(await store.load({ credential: `c${i}` })).toBeDefined();
  });

  it.skipIf(root)('says so when it may not write in the directory', async () => {
    chmodSync(dir, 0o500);
    const { message } = await failureOf(() => open(), 'store-unavailable');
    chmodSync(dir, 0o700);
    expect(message).toContain('EACCES');
  });
});

/** What lies in a directory: each entry's mode and bytes. Not those of -shm, which SQLite rebuilds from -wal at will. */
function contents(dir: string): Record<string, unknown> {
  const entries = readdirSync(dir, { recursive: true }).map(String);
  return Object.fromEntries(
    entries.map((name) => {
      const path = join(dir, name);
      const stat = lstatSync(path);
      const held = stat.isSymbolicLink()
        ? readlinkSync(path)
        : stat.isFile() && !name.endsWith('-shm')
          ? createHash('sha256').update(readFileSync(path)).digest('hex')
          : 'not compared';
      return [name, { mode: stat.mode, held }];
    }),
  );
}

import { lstatSync } from 'node:fs';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { CupbearerError } from '../errors.ts';
import { holds } from './lease.ts';
import type { Backend, NamedRow, Row } from './record.ts';
import { immediate, openDatabase } from './sqlite-database.ts';
import { patiently } from './sqlite-error.ts';

/**
 * Rows in a SQLite file at the absolute path, for any number of processes on one host; a write is on the disk when it
 * resolves. `now` gives milliseconds since the Unix epoch. `verify` gets the rows that are there before anything is
 * written. Rejects with CupbearerError `store-unreadable` or `store-unavailable`, and with what `verify` throws.
 */
export async function openSqlite(
  path: string,
  now: () => number,
  verify: (rows: Iterable<NamedRow>) => void,
): Promise<Backend> {
  const database = await openDatabase(path, (reader) => verify(rowsOf(reader)));
  const { dev, ino } = lstatSync(path);
  const prepare = (sql: string) => database.prepare(sql);
  const sql = await patiently(path, () => ({
    read: prepare('SELECT head, sealed FROM session WHERE name = ?'),
    insert: prepare('INSERT INTO session (name, head, sealed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    update: prepare('UPDATE session SET head = ?, sealed = ? WHERE name = ? AND head = ? AND sealed = ?'),
    remove: prepare('DELETE FROM session WHERE name = ?'),
    names: prepare('SELECT name FROM session ORDER BY name'),
    lease: prepare('SELECT owner, until_wall, ttl_ms FROM lease WHERE name = ?'),
    take: prepare('INSERT OR REPLACE INTO lease (name, owner, until_wall, ttl_ms) VALUES (?, ?, ?, ?)'),
    release: prepare('DELETE FROM lease WHERE name = ? AND owner = ?'),
  }));

  /** A file that was moved or removed can still be written, but nobody would ever find it again. */
  const inPlace = () => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.dev === dev && stat.ino === ino) return;
    throw new CupbearerError(
      'store-unavailable',
      `the session store ${path} was moved, removed or replaced while in use; put it back, or start Cupbearer again`,
    );
  };
  const run = <T>(work: () => T): Promise<T> =>
    patiently(path, () => {
      inPlace();
      return work();
    });

  return {
    kind: 'sqlite',
    read: (name) =>
      run(() => {
        const columns = sql.read.get(name);
        return columns && toRow(columns);
      }),
    swap: (name, was, { head, sealed }) =>
      run(() => {
        const { changes } = was
          ? sql.update.run(head, sealed, name, was.head, was.sealed)
          : sql.insert.run(name, head, sealed);
        return changes > 0;
      }),
    remove: (name) => run(() => void sql.remove.run(name)),
    names: () => run(() => sql.names.all().map((row) => String(row.name))),
    lease: (name, owner, ttlMs) =>
      run(() =>
        immediate(database, () => {
          const held = toLease(sql.lease.get(name));
          if (held && held.owner !== owner && holds(held, now())) return held.owner;
          sql.take.run(name, owner, Math.ceil(now() + ttlMs), Math.ceil(ttlMs));
          return owner;
        }),
      ),
    release: (name, owner) => run(() => void sql.release.run(name, owner)),
    async close() {
      if (database.isOpen) database.close();
    },
  };
}

function* rowsOf(database: DatabaseSync): Generator<NamedRow> {
  for (const columns of database.prepare('SELECT name, head, sealed FROM session ORDER BY name').iterate()) {
    yield { name: String(columns.name), row: toRow(columns) };
  }
}

type Columns = Record<string, SQLOutputValue>;

/** A damaged file may give anything: what is no row is an empty one, which does not open. */
function toRow({ head, sealed }: Columns): Row {
  return typeof head === 'string' && sealed instanceof Uint8Array
    ? { head, sealed }
    : { head: '', sealed: new Uint8Array() };
}

function toLease(columns: Columns | undefined) {
  return (
    columns && {
      owner: columns.owner as string,
      untilWall: columns.until_wall as number,
      ttlMs: columns.ttl_ms as number,
    }
  );
}

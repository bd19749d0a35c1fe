import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { CupbearerError } from '../errors.ts';
import { patiently } from './sqlite-error.ts';
import { secureFile } from './sqlite-file.ts';

/** "CUPB": tells our databases from those of other programs. */
const applicationId = 0x43555042;
const schemaVersion = 1;

const schema = `
  CREATE TABLE session (name TEXT PRIMARY KEY NOT NULL, head TEXT NOT NULL, sealed BLOB NOT NULL) STRICT;
  CREATE TABLE lease (
    name TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, until_wall INTEGER NOT NULL, ttl_ms INTEGER NOT NULL
  ) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

/** How long a call may block on another process's lock; patiently() waits the rest without blocking. */
const busyMs = 50;

/**
 * Opens the database at the absolute path, and lays it out when it is new. One that is not is looked at first by a
 * connection that cannot write: it is left as it is, log included, when that or `look` throws. Rejects with
 * CupbearerError `store-unreadable` or `store-unavailable`, and with what `look` throws.
 */
export async function openDatabase(
  path: string,
  look: (database: DatabaseSync) => void,
): Promise<DatabaseSync> {
  const { DatabaseSync } = loadSqlite();
  const size = await patiently(path, () => {
    secureFile(path);
    return statSync(path).size;
  });
  const examine = (one: DatabaseSync) => {
    if (!atOnce(one, () => inspect(one, path))) look(one);
  };
  let examined = size === 0;
  if (!examined) {
    const reader = await patiently(path, () => new DatabaseSync(path, { readOnly: true, timeout: busyMs }));
    try {
      examined = await patiently(path, () => unlessUnfinished(() => examine(reader)));
    } finally {
      reader.close();
    }
  }
  const database = await patiently(path, () => new DatabaseSync(path, { timeout: busyMs }));
  try {
    if (!examined) await patiently(path, () => examine(database));
    await patiently(path, () => useWal(database, path));
    await patiently(path, () => immediate(database, () => layOut(database, path)));
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/**
 * Does the work of a connection that cannot write. False when a process ended while it laid the database out: only one
 * that can write may undo that (https://sqlite.org/rescode.html#readonly_rollback).
 */
function unlessUnfinished(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if ((error as { errcode?: unknown }).errcode === 776) return false;
    throw error;
  }
}

/** Runs the work in a transaction that has the write lock from its start; undone when the work throws. */
export function immediate<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite may have undone it already, on a full disk for one.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** Has the work see one state of the database, whatever other processes write meanwhile: one may be laying it out. */
function atOnce<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN');
  try {
    return work();
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
}

/** Whether the database holds nothing yet. Throws for a damaged one, another program's or a newer version's. */
function inspect(database: DatabaseSync, path: string): boolean {
  const { quick_check: damage } = database.prepare('PRAGMA quick_check(1)').get() ?? {};
  if (damage !== 'ok' || endsWithinPage(database, path)) {
    throw refused(path, 'is damaged', 'restore it from a backup, or remove it and log in again');
  }
  return isNew(database, path);
}

/** SQLite reads what is missing of a last page as zeros. The rest may be in a log that is not empty. */
function endsWithinPage(database: DatabaseSync, path: string): boolean {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
  const pageSize = Number(single(database, 'PRAGMA page_size'));
  return (log?.size ?? 0) === 0 && statSync(path).size % pageSize !== 0;
}

/** As `inspect`, without the look for damage. */
function isNew(database: DatabaseSync, path: string): boolean {
  const id = single(database, 'PRAGMA application_id');
  const version = single(database, 'PRAGMA user_version');
  const tables = single(database, 'SELECT count(*) FROM sqlite_schema');
  if (id === 0 && version === 0 && tables === 0) return true;
  if (id !== applicationId) {
    throw refused(path, 'is the database of another program', 'name another file in store.url');
  }
  if (version !== schemaVersion) {
    throw refused(
      path,
      `was written by a newer version of Cupbearer (layout ${version}, this one knows ${schemaVersion})`,
      'run that version',
    );
  }
  return false;
}

function layOut(database: DatabaseSync, path: string): void {
  if (isNew(database, path)) database.exec(schema);
}

/** WAL with FULL: a commit is on the disk when it returns (https://sqlite.org/pragma.html#pragma_synchronous). */
function useWal(database: DatabaseSync, path: string): void {
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
  if (mode !== 'wal') {
    throw new CupbearerError(
      'store-unavailable',
      `the file system of ${path} cannot share memory between processes; name a file on a local disk in store.url`,
    );
  }
  database.exec('PRAGMA synchronous = FULL');
}

function single(database: DatabaseSync, query: string): unknown {
  return Object.values(database.prepare(query).get() ?? {})[0];
}

function refused(path: string, why: string, remedy: string): CupbearerError {
  return new CupbearerError(
    'store-unreadable',
    `the session store ${path} ${why}; it is left as it is: ${remedy}`,
  );
}

/** Loads node:sqlite without the warning that some versions of Node 24 print about it. */
function loadSqlite(): typeof import('node:sqlite') {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

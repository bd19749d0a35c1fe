import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CupbearerError } from '../errors.ts';

/** What SQLite may put beside a database. */
const companions = ['-wal', '-shm', '-journal'] as const;

/**
 * Makes sure that nobody else can read, write or replace the database file at the absolute path: makes it 0600, in a
 * directory of 0700, when it is missing, and refuses what is there and not so. What is there is not opened: closing it
 * would end the locks SQLite holds on it in this process (https://sqlite.org/howtocorrupt.html §2.2). Throws
 * CupbearerError `store-unreadable` for a refusal, and what node:fs throws.
 */
export function secureFile(path: string): void {
  secureDirectory(dirname(path));
  // Companions first: a database is there, and no longer empty, before they are.
  const log = companions.map((end) => checked(path + end))[0];
  const found = checked(path);
  if (log !== undefined && log.size > 0 && (found === undefined || found.size === 0)) {
    throw refused(`${path}-wal belongs to a database that is gone: put ${path} back, or remove ${path}-wal`);
  }
  if (found === undefined) create(path);
}

function create(path: string): void {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  let file: number;
  try {
    file = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  } catch (error) {
    // Another process has just made it, or a link leads nowhere.
    if (codeOf(error) === 'EEXIST' && checked(path) !== undefined) return;
    throw error;
  }
  try {
    fchmodSync(file, 0o600);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncDirectory(dirname(path));
}

/** What is at the path; undefined when nothing is. Throws when it may not be used. */
function checked(path: string): Stats | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) throw refused(`${path} is a symbolic link: name the file itself in store.url`);
  if (!stat.isFile()) throw refused(`${path} is not a regular file: name a file in store.url`);
  const us = process.geteuid?.();
  if (us === undefined) return stat;
  if (stat.uid !== us) {
    throw refused(
      `${path} belongs to user ${stat.uid}, but Cupbearer runs as user ${us}: chown ${us} ${quoted(path)}`,
    );
  }
  if ((stat.mode & 0o077) !== 0) {
    throw refused(`${path} is open to other users (mode ${octal(stat)}): chmod 600 ${quoted(path)}`);
  }
  return stat;
}

function secureDirectory(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (made !== undefined) {
    for (let one = path; one !== dirname(made); one = dirname(one)) syncDirectory(dirname(one));
  }
  const stat = statSync(path);
  const us = process.geteuid?.();
  if (us === undefined) return;
  if (stat.uid !== us && stat.uid !== 0) {
    throw refused(
      `the directory ${path} belongs to user ${stat.uid}, who could replace the sessions, but Cupbearer runs as user ` +
        `${us}: chown ${us} ${quoted(path)}`,
    );
  }
  const sticky = (stat.mode & 0o1000) !== 0;
  if ((stat.mode & 0o022) !== 0 && !sticky) {
    throw refused(
      `other users may replace files in the directory ${path} (mode ${octal(stat)}): chmod go-w ${quoted(path)}, or ` +
        'name a directory in it that does not exist yet',
    );
  }
}

/** Makes names in the directory outlast a power failure. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function refused(message: string): CupbearerError {
  return new CupbearerError('store-unreadable', message);
}

function octal({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

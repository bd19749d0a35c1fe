import { setTimeout as pause } from 'node:timers/promises';
import { CupbearerError } from '../errors.ts';

/** Result codes (https://sqlite.org/rescode.html) after which nothing but another file helps. */
const unreadable: Record<number, string> = {
  1: 'is not laid out as a session store',
  11: 'is damaged',
  24: 'is in a format that SQLite does not read',
  26: 'is not a SQLite database',
};

const unavailable: Record<number, string> = {
  3: 'may not be accessed: look at its rights',
  5: 'is locked by another process for too long: see which has it open',
  8: 'may only be read: look at its file system and rights',
  10: 'could not be read or written: look at the disk',
  13: 'cannot grow: the disk is full',
  14: 'could not be opened: look at its directory and rights',
  15: 'is locked by another process for too long: see which has it open',
};

/** SQLITE_BUSY and SQLITE_PROTOCOL: another process is in the way for a moment. */
const busy: readonly unknown[] = [5, 15];
const patienceMs = 5_000;

/**
 * Does the work, again after a pause while another process has the file locked, for 5 s in all. Rejects with what
 * `toStoreError` makes of other errors.
 */
export async function patiently<T>(path: string, work: () => T): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!busy.includes(resultCode(error)) || performance.now() > end) throw toStoreError(error, path);
    }
    await pause(5 + 45 * Math.random());
  }
}

/** What an error of node:sqlite or node:fs means for the file at the path. Others are given back as they are. */
function toStoreError(error: unknown, path: string): unknown {
  if (error instanceof CupbearerError) return error;
  const result = resultCode(error);
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (result !== undefined) {
    const why = unreadable[result];
    if (why !== undefined) {
      return new CupbearerError(
        'store-unreadable',
        `the session store ${path} ${why}; it is left as it is: name another file in store.url, or restore it from a backup`,
        { cause: error },
      );
    }
    const how = unavailable[result] ?? 'cannot be used';
    const message = `the session store ${path} ${how} (SQLite result code ${result})`;
    return new CupbearerError('store-unavailable', message, { cause: error });
  }
  if (syscall === undefined && code !== 'ERR_INVALID_STATE') return error;
  const why =
    syscall === undefined ? 'is closed' : `cannot be used: ${String(syscall)} failed with ${String(code)}`;
  return new CupbearerError('store-unavailable', `the session store ${path} ${why}`, { cause: error });
}

/** The primary result code of an error of SQLite. */
function resultCode(error: unknown): number | undefined {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' ? errcode & 0xff : undefined;
}

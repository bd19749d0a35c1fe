import { readFileSync } from 'node:fs';

/** The soft limit of open files of this process; undefined where the system does not tell (only Linux does) or has none. */
export function openFilesLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Listeners, log, store, token requests. */
const ownFiles = 64;

/** How many files may be open when every connection of a caller has one to an upstream. */
export function openFilesNeeded(maxConnections: number): number {
  return 2 * maxConnections + ownFiles;
}

import { statSync } from 'node:fs';
import type { InputContext } from './input.ts';

const writableByOthers = 0o002;
const readableByOthers = 0o004;

/**
 * Why a file must not be trusted with a secret, or undefined. That others may read it is no fault: the secrets that
 * Kubernetes mounts are 0644, in a directory nobody else gets into.
 */
export function fileModeFault(path: string, { modeOf }: Pick<InputContext, 'modeOf'>): string | undefined {
  const mode = modeOf(path);
  if (mode === undefined || (mode & writableByOthers) === 0) return undefined;
  return `others may write to the file ${path}; run: chmod o-w ${shellWord(path)}`;
}

/** Whether a file of these permissions shows what is in it to every user of the machine. */
export function isReadByOthers(mode: number | undefined): boolean {
  return mode !== undefined && (mode & readableByOthers) !== 0;
}

/** A path as a shell takes it. */
export function shellWord(path: string): string {
  return /^[\w./@:+,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Permissions of a regular file, links followed; undefined where there is none, or the system has no permissions. */
export function fileMode(path: string): number | undefined {
  // Windows makes them up.
  if (process.platform === 'win32') return undefined;
  try {
    const stat = statSync(path);
    return stat.isFile() ? stat.mode : undefined;
  } catch {
    return undefined;
  }
}

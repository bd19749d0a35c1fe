import { statSync } from 'node:fs';
import type { InputContext } from './input.ts';

const writableByOthers = 0o002;

/**
 * Why a file must not be trusted with a secret, or undefined. That others may read it is no fault: the secrets that
 * Kubernetes mounts are 0644, in a directory nobody else gets into.
 */
export function fileModeFault(path: string, { modeOf }: Pick<InputContext, 'modeOf'>): string | undefined {
  const mode = modeOf(path);
  if (mode === undefined || (mode & writableByOthers) === 0) return undefined;
  const word = /^[\w./@:+,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
  return `others may write to the file ${path}; run: chmod o-w ${word}`;
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

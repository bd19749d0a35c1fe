import { execFileSync } from 'node:child_process';
import type { Contender } from './contenders.ts';

/** Versions of those contenders that are programs on the PATH: `Envoy 1.40.0`. */
export function peerVersions(contenders: readonly Contender[]): string[] {
  return contenders.flatMap(({ name, needs }) =>
    needs === undefined ? [] : [`${name} ${versionOf(needs.command, needs.version)}`],
  );
}

function versionOf(command: string, args: readonly string[]): string {
  // nginx prints it on standard error.
  const output = execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', command, ...args], { encoding: 'utf8' });
  return /\d+\.\d+\.\d+/.exec(output)?.[0] ?? 'of an unknown version';
}

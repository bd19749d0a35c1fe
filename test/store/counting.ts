import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** What a counting process does, `times` times. */
export interface Counting {
  /** compare: adds one to the session's refresh token by compare-and-set. lease: adds one to a file under the lease. */
  readonly mode: 'compare' | 'lease';
  readonly path: string;
  readonly key: string;
  readonly times: number;
  /** For `lease`: the file it counts in. */
  readonly counter?: string;
}

/** Runs that many counting processes at once; rejects with what the first to fail has written. */
export async function runChildren(processes: number, counting: Counting): Promise<void> {
  const children = Array.from({ length: processes }, () => start(counting));
  try {
    await Promise.all(children.map(finished));
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

function start(counting: Counting): ChildProcess {
  const file = fileURLToPath(new URL('counting-child.ts', import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'inherit', 'pipe'] });
  child.stdin?.end(JSON.stringify(counting));
  return child;
}

async function finished(child: ChildProcess): Promise<void> {
  const [said, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  if (code !== 0 || said !== '') throw new Error(`a child ended with ${code}: ${said}`);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bareEnvironment } from './bare-environment.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

/** A `cupbearer serve` in a process of its own. */
export interface Served {
  /** Where it listens, once it does; rejects when it ends before. */
  readonly url: Promise<string>;
  readonly adminUrl: Promise<string | undefined>;
  readonly process: ChildProcess;
  /** Everything it has written so far. */
  output(): string;
  /** Sends the signal and resolves to the exit code, or the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

/** Starts `cupbearer serve` on a configuration file, its log as JSON lines, with at most `openFiles` files open, and further `options`. */
export function serve(
  file: string,
  env: Readonly<Record<string, string>> = {},
  openFiles: number | 'unlimited' = 'unlimited',
  options: readonly string[] = [],
): Served {
  const command = [process.execPath, main, 'serve', '--config', file, '--log-format', 'json', ...options];
  const limited = ['-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh', ...command];
  const [program = '', ...args] = openFiles === 'unlimited' ? command : ['sh', ...limited];
  const child = spawn(program, args, {
    env: { ...bareEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const closed = once(child, 'close');
  const listening = new Promise<{ url: string; admin?: string }>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      text += chunk;
      const line = text.split('\n').find((one) => one.includes('"listening"'));
      if (line?.endsWith('}')) resolve(JSON.parse(line));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    closed.then(() => reject(new Error(`serve ended: ${text}`)), reject);
  });
  const url = listening.then((line) => line.url);
  const adminUrl = listening.then(({ admin }) => admin);
  for (const one of [url, adminUrl]) one.catch(() => undefined);
  return {
    url,
    adminUrl,
    process: child,
    output: () => text,
    async end(signal) {
      child.kill(signal);
      const [code, by] = await closed;
      return code ?? by;
    },
  };
}

/** Writes a configuration and gives its path. */
export function configFile(directory: string, yaml: string, name = 'routes.yaml'): string {
  const file = join(directory, name);
  writeFileSync(file, yaml, { mode: 0o600 });
  return file;
}

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'vitest';
import { bareEnvironment } from '../support/bare-environment.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

export interface ServedOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments after `serve`. */
  readonly args: readonly string[];
  /** Options of Node. */
  readonly node?: readonly string[];
  readonly stdio?: StdioOptions;
}

/** A real `cupbearer serve`, with nothing but this environment. */
export interface ServedChild {
  readonly child: ChildProcess;
  /** Standard output and standard error so far. */
  output(): string;
  /** Where it listens, once it says so: `url` or `admin`. */
  address(name: 'url' | 'admin'): Promise<string>;
  /** Resolves once the output has this. */
  said(what: string | RegExp): Promise<void>;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Sends SIGTERM, unless it has ended, and gives how it ended. */
  stop(): Promise<number | string>;
}

export function serveChild({ env = {}, args, node = [], stdio }: ServedOptions): ServedChild {
  const child = spawn(process.execPath, [...node, main, 'serve', ...args], {
    env: { ...bareEnvironment(), ...env },
    stdio: stdio ?? ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  const ended = once(child, stdio === undefined ? 'close' : 'exit').then(([code, signal]) => code ?? signal);
  const plain = () => text.replace(/\x1b\[\d+m/g, '');
  const said: ServedChild['said'] = (what) =>
    expect.poll(plain, { timeout: 15_000, interval: 20 }).toMatch(what);
  return {
    child,
    output: () => text,
    said,
    async address(name) {
      const pattern = new RegExp(`(?:"${name}":"|\\b${name}=)(https?://[^"\\s]+)`);
      await said(pattern);
      return pattern.exec(plain())?.[1] ?? '';
    },
    ended,
    stop() {
      if (child.exitCode === null) child.kill('SIGTERM');
      return ended;
    },
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { bareEnvironment } from './bare-environment.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

/** A command running as a process of its own. */
export interface RunningCommand {
  readonly child: ChildProcess;
  /** The first match of `pattern` in what it has written to standard output, as soon as there is one. */
  said(pattern: RegExp): Promise<string>;
  /** What it has written to standard error so far. */
  err(): string;
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

/** Runs `cupbearer ARGS` with nothing but this environment. */
export function runCommand(args: readonly string[], env: Readonly<Record<string, string>>): RunningCommand {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...bareEnvironment(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
  return {
    child,
    err: () => err,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(out)?.[0];
          if (found !== undefined) resolve(found);
        };
        child.stdout.on('data', look);
        look();
        void ended.then((how) => reject(new Error(`it ended with ${how.code}: ${how.err}`)));
      }),
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program to start: what `spawn` needs. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A running child that listens. */
export interface Child {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** USER_HZ: the same on every Linux, whatever the kernel's own clock. */
const ticksPerSecond = 100;
const defaultStartMs = 10_000;
const stopMs = 5_000;

/** Where and how a child is started. */
export interface Start {
  readonly port: number;
  /** Takes the child's output. */
  readonly logFile: string;
  /** Whether the child answers as it should. */
  readonly probe: (port: number) => Promise<boolean>;
  /** Kills the child. */
  readonly signal: AbortSignal;
  /** How long the child may take until it answers, ms; 10 s when absent. */
  readonly startMs?: number;
}

/**
 * Starts `program` and waits until it answers. Rejects with the end of its output when it exits first or is not there
 * in time.
 */
export async function startChild(program: Program, start: Start): Promise<Child> {
  const { port, logFile, probe, signal, startMs = defaultStartMs } = start;
  const log = openSync(logFile, 'w');
  const child = spawn(program.command, program.args, {
    env: { ...process.env, ...program.env, NODE_ENV: 'production' },
    stdio: ['ignore', log, log],
    signal,
    killSignal: 'SIGKILL',
  });
  closeSync(log);
  const failed = new Promise<never>((_resolve, reject) => child.on('error', reject));
  const deadline = performance.now() + startMs;
  while (!(await Promise.race([probe(port), failed]))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await end(child);
      throw new Error(`${program.command} does not answer:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    }
    await sleep(50);
  }
  return { pid: child.pid as number, port, stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const kill = setTimeout(() => child.kill('SIGKILL'), stopMs);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(kill);
}

/** A loopback port that is free now, below those that Linux gives to outgoing connections (ip_local_port_range). */
export function freePort(): Promise<number> {
  const port = randomInt(12_000, 32_000);
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(freePort()) : reject(error),
    );
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
  });
}

/** What a process and its descendants have used so far. */
export interface Usage {
  /** User and system time in µs, children that have ended included. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
}

/** Reads Linux' /proc for `pid` and everything below it. */
export function usageOf(pid: number): Usage {
  let ticks = 0;
  let rssBytes = 0;
  for (const each of withDescendants(pid)) {
    // proc(5): utime, stime, cutime, cstime are fields 14 to 17; the name in field 2 may contain spaces
    const stat = statOf(each);
    if (stat !== undefined) for (const field of stat.slice(11, 15)) ticks += Number(field);
    rssBytes += 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readOr(`/proc/${each}/status`))?.[1] ?? 0);
  }
  return { cpuMicros: (ticks * 1e6) / ticksPerSecond, rssBytes };
}

function withDescendants(root: number): number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? Number(statOf(Number(name))?.[1]) : Number.NaN;
    if (!Number.isNaN(parent)) parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(parents.get(pid) ?? []));
  return found;
}

/** Fields 3 and up of /proc/PID/stat. */
function statOf(pid: number): string[] | undefined {
  const text = readOr(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

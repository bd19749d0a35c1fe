import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bearer, fields, target } from './setting.ts';

const run = promisify(execFile);

/** What the load generator saw. */
export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

export interface LoadOptions {
  readonly port: number;
  readonly seconds: number;
  readonly connections: number;
  /** Whether the load sends Authorization itself. */
  readonly authorized: boolean;
}

/** A load generator in a process of its own. Its `run` rejects when any answer was not a 2xx. */
export interface LoadGenerator {
  readonly name: string;
  run(options: LoadOptions): Promise<Load>;
}

/** wrk when it is installed, else autocannon. */
export function loadGenerator(has: (command: string) => boolean): LoadGenerator {
  return has('wrk') ? { name: 'wrk', run: runWrk } : { name: 'autocannon', run: runAutocannon };
}

function headerArgs(authorized: boolean): string[] {
  const all = authorized ? { ...fields, Authorization: bearer } : fields;
  return Object.entries(all).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
}

async function runWrk({ port, seconds, connections, authorized }: LoadOptions): Promise<Load> {
  const numbers = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--latency'];
  const url = `http://127.0.0.1:${port}${target}`;
  const { stdout } = await run('wrk', [...numbers, ...headerArgs(authorized), url]);
  const trouble = /^\s*(Socket errors|Non-2xx).*$/m.exec(stdout);
  if (trouble) throw new Error(trouble[0].trim());
  const [, requests, elapsed] = /(\d+) requests in ([\d.]+\w+)/.exec(stdout) ?? [];
  const [, p50] = /50%\s+([\d.]+\w+)/.exec(stdout) ?? [];
  const [, p99] = /99%\s+([\d.]+\w+)/.exec(stdout) ?? [];
  const count = Number(requests);
  return {
    requests: count,
    perSecond: count / (micros(elapsed) / 1e6),
    p50Micros: micros(p50),
    p99Micros: micros(p99),
  };
}

/** wrk's "1.20ms" in µs. */
function micros(text: string | undefined): number {
  const [, value, unit] = /^([\d.]+)(us|ms|s|m|h)$/.exec(text ?? '') ?? [];
  const scale = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 }[unit ?? ''];
  if (scale === undefined) throw new Error(`wrk printed "${text}" for a duration`);
  return Number(value) * scale;
}

async function runAutocannon({ port, seconds, connections, authorized }: LoadOptions): Promise<Load> {
  const program = fileURLToPath(import.meta.resolve('autocannon'));
  const numbers = ['-c', String(connections), '-d', String(seconds), '--json', '--no-progress'];
  const url = `http://127.0.0.1:${port}${target}`;
  const { stdout } = await run(process.execPath, [program, ...numbers, ...headerArgs(authorized), url]);
  const seen = JSON.parse(stdout) as {
    requests: { total: number };
    latency: { p50: number; p99: number };
    duration: number;
    non2xx: number;
    errors: number;
  };
  if (seen.non2xx + seen.errors > 0) throw new Error(`${seen.non2xx} non-2xx answers, ${seen.errors} errors`);
  return {
    requests: seen.requests.total,
    perSecond: seen.requests.total / seen.duration,
    p50Micros: seen.latency.p50 * 1000,
    p99Micros: seen.latency.p99 * 1000,
  };
}

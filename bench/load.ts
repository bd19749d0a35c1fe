import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bearer, type Exchange, fields, plainExchange } from './setting.ts';

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
  /** What is sent; the plain exchange when absent. */
  readonly exchange?: Exchange;
  /** Where files of the generator may lie meanwhile; the system's directory when absent. */
  readonly directory?: string;
  /** Kills the generator. */
  readonly signal?: AbortSignal;
}

/** A load generator in a process of its own. Its `run` rejects when any answer was not a 2xx. */
export interface LoadGenerator {
  readonly name: 'wrk' | 'autocannon';
  run(options: LoadOptions): Promise<Load>;
}

/** wrk when it is installed, else autocannon. */
export function loadGenerator(has: (command: string) => boolean): LoadGenerator {
  return has('wrk') ? { name: 'wrk', run: runWrk } : { name: 'autocannon', run: runAutocannon };
}

function sentFields(authorized: boolean): Record<string, string> {
  return authorized ? { ...fields, Authorization: bearer } : fields;
}

function headerArgs(authorized: boolean): string[] {
  return Object.entries(sentFields(authorized)).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
}

async function runWrk(options: LoadOptions): Promise<Load> {
  const { port, seconds, connections, authorized, exchange = plainExchange, signal } = options;
  const { bodyBytes, target, targets } = exchange;
  const isPlain = bodyBytes === 0 && targets === 1;
  const numbers = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`];
  const common = [...numbers, '--latency', '--timeout', '10s', ...headerArgs(authorized)];
  const origin = `http://127.0.0.1:${port}`;
  const script = join(import.meta.dirname, 'requests.lua');
  const wanted = [methodOf(exchange), String(bodyBytes), target, String(targets)];
  const what = isPlain ? [`${origin}${target}`] : ['-s', script, origin, '--', ...wanted];
  const { stdout } = await run('wrk', [...common, ...what], { signal });
  const trouble = /^\s*(Socket errors|Non-2xx).*$/m.exec(stdout);
  if (trouble) throw new Error(trouble[0].trim());
  const [, requests, elapsed] = /(\d+) requests in ([\d.]+\w+)/.exec(stdout) ?? [];
  const [, p50] = /50%\s+([\d.]+\w+)/.exec(stdout) ?? [];
  const [, p99] = /99%\s+([\d.]+\w+)/.exec(stdout) ?? [];
  const count = Number(requests);
  return answered({
    requests: count,
    perSecond: count / (micros(elapsed) / 1e6),
    p50Micros: micros(p50),
    p99Micros: micros(p99),
  });
}

/** wrk's "1.20ms" in µs. */
function micros(text: string | undefined): number {
  const [, value, unit] = /^([\d.]+)(us|ms|s|m|h)$/.exec(text ?? '') ?? [];
  const scale = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 }[unit ?? ''];
  if (scale === undefined) throw new Error(`wrk printed "${text}" for a duration`);
  return Number(value) * scale;
}

async function runAutocannon(options: LoadOptions): Promise<Load> {
  const { port, seconds, connections, signal } = options;
  const program = fileURLToPath(import.meta.resolve('autocannon'));
  const numbers = ['-c', String(connections), '-d', String(seconds), '--json', '--no-progress'];
  const origin = `http://127.0.0.1:${port}`;
  const directory = mkdtempSync(join(options.directory ?? tmpdir(), 'cupbearer-load-'));
  try {
    const archive = join(directory, 'requests.har');
    writeFileSync(archive, JSON.stringify(httpArchive(origin, options)));
    const args = [program, ...numbers, '--har', archive, origin];
    const { stdout } = await run(process.execPath, args, { signal });
    return readAutocannon(stdout);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The requests to take turns, as an HTTP Archive 1.2. */
function httpArchive(origin: string, { authorized, exchange = plainExchange }: LoadOptions): object {
  const method = methodOf(exchange);
  const headers = Object.entries(sentFields(authorized)).map(([name, value]) => ({ name, value }));
  const body = exchange.bodyBytes === 0 ? {} : { postData: { text: 'x'.repeat(exchange.bodyBytes) } };
  const entries = Array.from({ length: exchange.targets }, (_, index) => {
    const url = `${origin}${exchange.target.replace('#', String(index + 1))}`;
    return { request: { method, url, headers, ...body } };
  });
  return { log: { entries } };
}

function readAutocannon(output: string): Load {
  const seen = JSON.parse(output) as {
    requests: { total: number };
    latency: { p50: number; p99: number };
    duration: number;
    non2xx: number;
    errors: number;
  };
  if (seen.non2xx + seen.errors > 0) throw new Error(`${seen.non2xx} non-2xx answers, ${seen.errors} errors`);
  return answered({
    requests: seen.requests.total,
    perSecond: seen.requests.total / seen.duration,
    p50Micros: seen.latency.p50 * 1000,
    p99Micros: seen.latency.p99 * 1000,
  });
}

function answered(load: Load): Load {
  if (load.requests === 0) throw new Error('no request was answered');
  return load;
}

/** The method of the load's requests. */
export function methodOf({ bodyBytes }: Exchange): 'GET' | 'POST' {
  return bodyBytes === 0 ? 'GET' : 'POST';
}

import { once } from 'node:events';
import { get as httpGet, request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { usageOf } from '../child.ts';
import type { Target } from '../results.ts';
import type { Options } from './options.ts';
import { type Served, serve, statusOf } from './serve.ts';
import { takeSlowly } from './slowly.ts';
import { bytesPath, sinkPath, startUpstream } from './upstream.ts';

const mib = 2 ** 20;
const budgetMiB = 32;
const perSecond = 52 * mib;
const sampleMs = 50;
const settleMs = 1_000;

/** How far memory rises while a large body passes to somebody slow: one answer, then one request. */
export async function memory(options: Options): Promise<Target[]> {
  const bytes = options.quick ? 128 * mib : 1024 * mib;
  const size = options.quick ? '128 MiB' : '1 GiB';
  const down = await growthDuring(options, (served) => download(served.port, bytes));
  const up = await growthDuring(options, (served) => upload(served.port, bytes));
  const target = (name: string, { from, most, ms }: Growth): Target => ({
    name: `${size} ${name}`,
    budget: `memory grows by less than ${budgetMiB} MiB`,
    measured: `+${(most - from).toFixed(1)} MiB, from ${from.toFixed(1)} to ${most.toFixed(1)}, in ${(ms / 1000).toFixed(1)} s`,
    met: most - from < budgetMiB,
  });
  return [target('to a slow reader', down), target('to a slow upstream', up)];
}

/** RSS in MiB. */
interface Growth {
  readonly from: number;
  readonly most: number;
  readonly ms: number;
}

async function growthDuring(options: Options, transfer: (served: Served) => Promise<void>): Promise<Growth> {
  await using cleanup = new AsyncDisposableStack();
  const upstream = await startUpstream({}, options.signal);
  cleanup.defer(upstream.stop);
  const { origin } = upstream;
  const routes = [bytesPath, sinkPath].map(
    (path) => `${path}: { upstream: "${origin}", credential: bench, strip_prefix: false }`,
  );
  const served = await serve({ origin, routes }, options);
  cleanup.defer(served.stop);
  if ((await statusOf(served.port, `${bytesPath}/1024`)) !== 200) throw new Error('the first request failed');
  await sleep(settleMs, undefined, options);
  const from = usageOf(served.pid).rssBytes / mib;
  let most = from;
  const sampling = setInterval(() => {
    most = Math.max(most, usageOf(served.pid).rssBytes / mib);
  }, sampleMs);
  cleanup.defer(() => clearInterval(sampling));
  const began = performance.now();
  await transfer(served);
  return { from, most, ms: performance.now() - began };
}

async function download(port: number, bytes: number): Promise<void> {
  const request = httpGet({ host: '127.0.0.1', port, path: `${bytesPath}/${bytes}`, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let taken = 0;
  response.on('data', (chunk: Buffer) => {
    taken += chunk.length;
  });
  takeSlowly(response, perSecond);
  await once(response, 'end');
  if (response.statusCode !== 200 || taken !== bytes)
    throw new Error(`${response.statusCode}, ${taken} of ${bytes} bytes`);
}

async function upload(port: number, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    path: `${sinkPath}/${perSecond}`,
    method: 'PUT',
    agent: false,
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes },
  });
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  answered.catch(() => undefined);
  for (let left = bytes; left > 0; left -= chunk.length) {
    if (!request.write(chunk)) await Promise.race([once(request, 'drain'), answered]);
    if (request.destroyed) break;
  }
  request.end();
  const [response] = await answered;
  response.resume();
  if (response.statusCode !== 200) throw new Error(`the upload was answered ${response.statusCode}`);
}

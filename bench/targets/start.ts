import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { usageOf } from '../child.ts';
import type { Target } from '../results.ts';
import type { Options } from './options.ts';
import { prepare, serve, statusOf } from './serve.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const startBudgetMs = 500;
const startLimitMs = 10_000;
const memoryBudgetMiB = 90;
const path = '/api/items?limit=50';

/** From the start of the process to the end of the first answer through it, token call included. */
export async function firstAnswer(options: Options): Promise<Target> {
  await using cleanup = new AsyncDisposableStack();
  const upstream = await startUpstream({}, options.signal);
  cleanup.defer(upstream.stop);
  const times: number[] = [];
  for (let i = 0; i < (options.quick ? 1 : 5); i++) times.push(await timeToAnswer(upstream, options));
  times.sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] as number;
  const range = `${times[0]?.toFixed(0)} to ${times.at(-1)?.toFixed(0)} ms`;
  return {
    name: 'start to first proxied answer',
    budget: `< ${startBudgetMs} ms`,
    measured: `${median.toFixed(0)} ms, median of ${times.length} (${range})`,
    met: median < startBudgetMs,
  };
}

async function timeToAnswer({ origin }: Upstream, options: Options): Promise<number> {
  const { program, port, logFile } = await prepare({ origin }, options);
  const log = openSync(logFile, 'w');
  const began = performance.now();
  const child = spawn(program.command, program.args, {
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', log, log],
    signal: options.signal,
    killSignal: 'SIGKILL',
  });
  closeSync(log);
  const ended = once(child, 'close');
  ended.catch(() => undefined);
  try {
    while ((await statusOf(port, path)) !== 200) {
      if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}`);
      if (performance.now() - began > startLimitMs) throw new Error('serve does not answer');
      await sleep(2, undefined, options);
    }
    return performance.now() - began;
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** What a process holds that has answered once and then has nothing to do. */
export async function idleMemory(options: Options): Promise<Target> {
  await using cleanup = new AsyncDisposableStack();
  const upstream = await startUpstream({}, options.signal);
  cleanup.defer(upstream.stop);
  const served = await serve({ origin: upstream.origin }, options);
  cleanup.defer(served.stop);
  if ((await statusOf(served.port, path)) !== 200) throw new Error('the first request failed');
  await sleep(options.quick ? 1_000 : 5_000, undefined, options);
  const rss = usageOf(served.pid).rssBytes / 2 ** 20;
  return {
    name: 'idle memory',
    budget: `< ${memoryBudgetMiB} MiB RSS`,
    measured: `${rss.toFixed(1)} MiB`,
    met: rss < memoryBudgetMiB,
  };
}

import { usageOf } from '../child.ts';
import { figure } from '../figures.ts';
import type { Growth } from '../results.ts';
import { type Callers, failures, type Load, type Seen, statusesOf } from '../targets/callers.ts';
import type { Options } from '../targets/options.ts';
import type { Served } from '../targets/serve.ts';

/** One point of a series. All its processes live through all rounds. */
export interface Point {
  readonly quantity: number;
  readonly served: Served;
  readonly connections: number;
  /** The same for each measurement; `ms` and `requests` are set here. */
  readonly load: Load;
  /** Sent once, before everything. */
  readonly first?: Load;
}

/** A series before it is measured. */
export interface Series extends Omit<Growth, 'points'> {
  readonly points: readonly Point[];
  /** CPU µs that were used, and what was answered meanwhile: the cost. */
  readonly cost: (cpuMicros: number, seen: Seen) => number;
}

interface Sample {
  readonly cost: number;
  readonly rssBytes: number;
}

/** CPU time is counted in 10 ms: much shorter and the count says little. */
const measuredMs = 1_300;
/** V8 drops code of a process that has had nothing to do for some seconds. */
const warmMs = 600;
/** Until the hot paths are compiled. */
const firstMs = 2_000;

export function perRequest(cpuMicros: number, { answers }: Seen): number {
  return cpuMicros / answers;
}

/** CPU ms a MiB of the bodies. */
export function perMiB(cpuMicros: number, { bodyBytes }: Seen): number {
  return cpuMicros / 1000 / (bodyBytes / 2 ** 20);
}

/** Lets the points take turns. Rejects when an answer is not 200. */
export async function measure(
  { name, quantity, unit, points, cost }: Series,
  callers: Callers,
  { quick, progress, signal }: Options,
): Promise<Growth> {
  // All of them before any is measured: a point must not have waited longer for its turn than the others.
  for (const point of points) await on(point, callers, (run) => fill(point, run));
  for (const point of points) {
    await on(point, callers, (run) => run({ ...point.load, ms: quick ? warmMs : firstMs }));
  }
  const samples: Sample[][] = points.map(() => []);
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const [i, point] of points.entries()) {
      signal.throwIfAborted();
      const sample = await on(point, callers, (run) => take(point, run, cost));
      samples[i]?.push(sample);
      const mib = (sample.rssBytes / 2 ** 20).toFixed(0);
      progress(
        `${name} ${point.quantity}, round ${round + 1}: ${sample.cost.toFixed(2)} ${unit}, ${mib} MiB`,
      );
    }
  }
  const costs = samples.map((own) => own.map((sample) => sample.cost));
  const made = points.map(({ quantity: at }, i) => ({
    quantity: at,
    cost: figure(costs[i] ?? []),
    ratio: figure((costs[i] ?? []).map((one, round) => one / (costs[0]?.[round] ?? Number.NaN))).median,
    rssBytes: figure((samples[i] ?? []).map(({ rssBytes }) => rssBytes)).median,
  }));
  return { name, quantity, unit, points: made };
}

type Run = (load: Load) => Promise<Seen>;

/** Works with the connections of a point open. Its loads reject when an answer is not 200. */
async function on<T>(
  { quantity, served, connections }: Point,
  callers: Callers,
  work: (run: Run) => Promise<T>,
): Promise<T> {
  await callers.open(served.port, connections);
  try {
    return await work(async (load) => {
      const seen = await callers.run(load);
      if (failures(seen) > 0) throw new Error(`${quantity}: ${statusesOf(seen)}`);
      return seen;
    });
  } finally {
    await callers.close();
  }
}

/** Has each of what is configured used once, so that tokens are there before anything is measured. */
async function fill({ first, load }: Point, run: Run): Promise<void> {
  if (first !== undefined) await run(first);
  if (load.count !== undefined) await run({ ...load, requests: load.count });
}

async function take({ served, load }: Point, run: Run, cost: Series['cost']): Promise<Sample> {
  await run({ ...load, ms: warmMs });
  const before = usageOf(served.pid);
  const seen = await run({ ...load, ms: measuredMs });
  const after = usageOf(served.pid);
  return { cost: cost(after.cpuMicros - before.cpuMicros, seen), rssBytes: after.rssBytes };
}

import { get } from '../targets/callers.ts';
import { serve } from '../targets/serve.ts';
import { bytesPath } from '../targets/upstream.ts';
import { type Point, perMiB, perRequest, type Series } from './series.ts';
import type { Stage } from './stage.ts';

const kib = 1024;
const mib = 1024 * kib;
const connections = 2;

/** Answers of a few KiB: what matters is that there is one. */
export async function smallBodies(stage: Stage): Promise<Series> {
  const sizes = stage.options.quick ? [kib, 16 * kib] : [kib, 4 * kib, 16 * kib, 64 * kib];
  return {
    name: 'small bodies',
    quantity: 'bytes of the answer',
    unit: 'CPU µs a request',
    cost: perRequest,
    points: await points(stage, sizes),
  };
}

/** Answers of many pieces: what matters is how many bytes they have. */
export async function body(stage: Stage): Promise<Series> {
  const sizes = stage.options.quick ? [64 * kib, mib] : [64 * kib, mib, 16 * mib, 256 * mib, 1024 * mib];
  return {
    name: 'body',
    quantity: 'bytes of the answer',
    unit: 'CPU ms a MiB',
    cost: perMiB,
    points: await points(stage, sizes),
  };
}

async function points({ options, upstream: { origin }, started }: Stage, sizes: readonly number[]) {
  const made: Point[] = [];
  for (const quantity of sizes) {
    const routes = [`${bytesPath}: { upstream: "${origin}", credential: bench, strip_prefix: false }`];
    const served = started(await serve({ origin, routes }, options));
    made.push({ quantity, served, connections, load: { request: get(`${bytesPath}/${quantity}`) } });
  }
  return made;
}

import { readFileSync } from 'node:fs';
import { get } from '../targets/callers.ts';
import { serve } from '../targets/serve.ts';
import { type Point, perRequest, type Series } from './series.ts';
import type { Stage } from './stage.ts';

/** Connections of callers, each with a request in progress. What the limit of open files does not allow is left out. */
export async function connections({ options, upstream: { origin }, started }: Stage): Promise<Series> {
  const most = openFilesLimit() / 2 - 100;
  const points: Point[] = [];
  for (const quantity of options.quick ? [4, 64] : [1, 4, 16, 64, 256, 1_024, 4_096]) {
    if (quantity > most) {
      options.progress(`connections ${quantity}: left out, too few files may be open (ulimit -Hn)`);
      continue;
    }
    const server = [`max_connections: ${2 * quantity}`, `max_requests: ${2 * quantity}`];
    const served = started(await serve({ origin, server }, options));
    points.push({ quantity, served, connections: quantity, load: { request: get('/api/items?limit=50') } });
  }
  return {
    name: 'connections',
    quantity: 'connections of callers',
    unit: 'CPU µs a request',
    cost: perRequest,
    points,
  };
}

/** The hard limit, to which Node raises the soft one when it starts. */
function openFilesLimit(): number {
  const limit = /^Max open files +\S+ +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === 'unlimited' ? Infinity : Number(limit);
}

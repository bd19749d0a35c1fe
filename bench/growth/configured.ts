import { get } from '../targets/callers.ts';
import type { Options } from '../targets/options.ts';
import { credential, route, serve } from '../targets/serve.ts';
import { perRequest, type Series } from './series.ts';
import type { Stage } from './stage.ts';

const connections = 64;
/** More would measure the processor's caches. */
const mostUsed = 1_000;

function quantities({ quick }: Options): readonly number[] {
  return quick ? [1, 100] : [1, 10, 100, 1_000, 10_000];
}

/** More and more routes with one credential. */
export async function routes(stage: Stage): Promise<Series> {
  return {
    name: 'routes',
    quantity: 'routes configured',
    unit: 'CPU µs a request',
    cost: perRequest,
    points: await points(stage, () => 'bench'),
  };
}

/** More and more credentials, each with a route of its own and a token at hand. */
export async function credentials(stage: Stage): Promise<Series> {
  return {
    name: 'credentials',
    quantity: 'credentials configured',
    unit: 'CPU µs a request',
    cost: perRequest,
    points: await points(stage, (i) => `client${i}`),
  };
}

async function points({ options, upstream: { origin }, started }: Stage, nameOf: (i: number) => string) {
  const made = [];
  for (const quantity of quantities(options)) {
    const names = Array.from({ length: quantity }, (_, i) => nameOf(i));
    const credentials = [...new Set(names)].map((name) => credential(name));
    const paths = names.map((name, i) => route(`/team/service${i}`, name, origin));
    const served = started(await serve({ origin, credentials, routes: paths }, options));
    const load = { request: get('/team/service{i}/items?limit=50'), count: Math.min(quantity, mostUsed) };
    made.push({ quantity, served, connections, load });
  }
  return made;
}

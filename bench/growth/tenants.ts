import { get } from '../targets/callers.ts';
import { credential, serve } from '../targets/serve.ts';
import { type Point, perRequest, type Series } from './series.ts';
import type { Stage } from './stage.ts';

const connections = 64;
/** The default of `tenant.max`. */
const bound = 1_000;

/** More and more tenants that have called; at most as many as the bound hold a token, and those are measured. */
export async function tenants({ options, upstream: { origin }, started }: Stage): Promise<Series> {
  const points: Point[] = [];
  for (const quantity of options.quick ? [1, 100] : [1, 10, 100, 1_000, 10_000, 100_000]) {
    const credentials = [credential('bench', `, tenant: { header: X-Tenant, max: ${bound} }`)];
    const served = started(await serve({ origin, credentials }, options));
    const request = get('/api/items?limit=50', 'X-Tenant: tenant{i}');
    const count = Math.min(quantity, bound);
    const load = { request, first: quantity - count, count };
    points.push({
      quantity,
      served,
      connections,
      load,
      first: { request, count: quantity, requests: quantity },
    });
  }
  return {
    name: 'tenants',
    quantity: `tenants that have called, ${bound.toLocaleString('en')} of them kept`,
    unit: 'CPU µs a request',
    cost: perRequest,
    points,
  };
}

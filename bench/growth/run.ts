import type { Growth } from '../results.ts';
import { startCallers } from '../targets/callers.ts';
import type { Options } from '../targets/options.ts';
import { startUpstream } from '../targets/upstream.ts';
import { body, smallBodies } from './body.ts';
import { credentials, routes } from './configured.ts';
import { connections } from './connections.ts';
import { measure, type Series } from './series.ts';
import type { Stage } from './stage.ts';
import { tenants } from './tenants.ts';

const all: readonly ((stage: Stage) => Promise<Series>)[] = [
  routes,
  credentials,
  tenants,
  connections,
  smallBodies,
  body,
];

/** Linux only. How the CPU time of a request grows with what is configured, known, connected and sent. */
export async function growth(options: Options): Promise<Growth[]> {
  const grown: Growth[] = [];
  for (const series of all) {
    await using cleanup = new AsyncDisposableStack();
    const upstream = await startUpstream({}, options.signal);
    cleanup.defer(upstream.stop);
    const callers = startCallers(options.signal);
    cleanup.defer(callers.stop);
    const started: Stage['started'] = (served) => {
      cleanup.defer(served.stop);
      return served;
    };
    grown.push(await measure(await series({ options, upstream, started }), callers, options));
  }
  return grown;
}

import type { Target } from '../results.ts';
import { failures, get, startCallers, statusesOf } from './callers.ts';
import type { Options } from './options.ts';
import { serve } from './serve.ts';
import { startUpstream } from './upstream.ts';

const callers = 1_000;
/** A token server is somewhere else: the callers all come before its answer. */
const tokenMs = 100;

/** As many first requests at once as there are connections: one token call serves them all. */
export async function coldStart(options: Options): Promise<Target> {
  await using cleanup = new AsyncDisposableStack();
  const upstream = await startUpstream({ delayMs: tokenMs }, options.signal);
  cleanup.defer(upstream.stop);
  const load = startCallers(options.signal);
  cleanup.defer(load.stop);
  const served = await serve({ origin: upstream.origin }, options);
  cleanup.defer(served.stop);
  await load.open(served.port, callers);
  const seen = await load.run({ request: get('/api/items?limit=50'), requests: callers });
  const { tokens } = await upstream.counts();
  const at = `last answer after ${seen.ms.toFixed(0)} ms, ${tokenMs} ms of them the token server's`;
  return {
    name: 'cold start',
    budget: `${callers} concurrent first requests: exactly 1 token call, all answered 200`,
    measured: `${tokens} token ${tokens === 1 ? 'call' : 'calls'}; ${statusesOf(seen)}; ${at}`,
    met: tokens === 1 && failures(seen) === 0 && seen.answers === callers,
  };
}

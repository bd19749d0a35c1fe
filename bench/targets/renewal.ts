import type { Target } from '../results.ts';
import { failures, get, startCallers, statusesOf } from './callers.ts';
import { readLog, reasonsOf } from './log.ts';
import type { Options } from './options.ts';
import { serve } from './serve.ts';
import { startUpstream } from './upstream.ts';

const connections = 64;
const lifetimeSeconds = 2;

/** Full load over many lifetimes: renewal happens in the background, and no expired token is ever sent. */
export async function renewal(options: Options): Promise<Target> {
  const seconds = options.quick ? 8 : 60;
  await using cleanup = new AsyncDisposableStack();
  const upstream = await startUpstream({ lifetimeSeconds }, options.signal);
  cleanup.defer(upstream.stop);
  const load = startCallers(options.signal);
  cleanup.defer(load.stop);
  const served = await serve({ origin: upstream.origin }, options);
  cleanup.defer(served.stop);
  await load.open(served.port, connections);
  const seen = await load.run({ request: get('/api/items?limit=50'), ms: seconds * 1_000 });
  const { tokens, expired } = await upstream.counts();
  await served.stop();
  const log = await readLog(served.logFile);
  const bad = failures(seen) + log.errors + expired;
  const logged = log.exchanges >= seen.answers ? '' : `; only ${log.exchanges} of them logged`;
  return {
    name: 'renewal under load',
    budget: `tokens of ${lifetimeSeconds} s, ${connections} connections at full load for ${seconds} s: no error, nobody waits for a token after the first`,
    measured: `${statusesOf(seen)}${logged}; ${log.waitedLater} waited after the first token, ${log.waitedFirst} for it; ${tokens} token calls (${reasonsOf(log)}), ${expired} expired tokens sent`,
    met: bad === 0 && log.waitedLater === 0 && logged === '' && tokens > seconds / lifetimeSeconds,
  };
}

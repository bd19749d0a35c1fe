import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../results.ts';
import { failures, get, startCallers, statusesOf } from './callers.ts';
import { readLog } from './log.ts';
import type { Options } from './options.ts';
import { credential, route, serve } from './serve.ts';
import { startUpstream } from './upstream.ts';

const connections = 64;
/** A token that is refused before this age is not renewed. */
const settleMs = 2_200;

/**
 * Every second of full load the upstream revokes a token in force, each second that of another credential: of one
 * credential's refused tokens only two in a row are renewed at once, then one every 30 s.
 */
export async function recovery(options: Options): Promise<Target> {
  const seconds = options.quick ? 3 : 10;
  await using cleanup = new AsyncDisposableStack();
  const upstream = await startUpstream({}, options.signal);
  cleanup.defer(upstream.stop);
  const load = startCallers(options.signal);
  cleanup.defer(load.stop);
  const names = Array.from({ length: seconds }, (_, i) => `client${i}`);
  const served = await serve(
    {
      origin: upstream.origin,
      credentials: names.map((name) => credential(name)),
      routes: names.map((name, i) => route(`/api${i}`, name, upstream.origin)),
    },
    options,
  );
  cleanup.defer(served.stop);
  await load.open(served.port, connections);
  const ms = settleMs + seconds * 1_000;
  const running = load.run({ request: get('/api{i}/items?limit=50'), count: names.length, ms });
  // Two of the waits below must not end this when the callers fail first.
  running.catch(() => undefined);
  await sleep(settleMs, undefined, options);
  const before = await upstream.counts();
  for (const name of names) {
    await upstream.revoke(name);
    await sleep(900, undefined, options);
  }
  const seen = await running;
  const { tokens, refused } = await upstream.counts();
  await served.stop();
  const { recovered } = await readLog(served.logFile);
  const calls = tokens - before.tokens;
  const found = `${statusesOf(seen)}; ${names.length} revocations, ${calls} token calls`;
  return {
    name: '401 recovery under load',
    budget: `a token in force revoked every second, ${connections} connections at full load: every caller gets 200, one token call a revocation`,
    measured: `${found}; ${refused} answers of 401 by the upstream, ${recovered} recovered, ${seen.statuses[401] ?? 0} seen by callers`,
    met: failures(seen) === 0 && calls === names.length && refused > 0,
  };
}

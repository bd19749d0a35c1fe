// Measures acquire() with the real registry and the real clock, and the match of a path with many routes.
import { join } from 'node:path';
import { figure } from '../figures.ts';
import type { HotPath } from './hot-path.ts';
import { startUpstream, tokenPath } from './upstream.ts';

const room = process.argv[2] ?? 'dist';
const rounds = Number(process.argv[3] ?? 15);
const calls = 200_000;
const routeCount = 10_000;

const end = room === 'src' ? 'ts' : 'js';
const module = (name: string) => import(join(import.meta.dirname, '../..', room, `${name}.${end}`));
const { createRegistry } = (await module('token/registry')) as typeof import('../../src/token/registry.ts');
const { systemClock } = (await module('token/clock')) as typeof import('../../src/token/clock.ts');
const { openStore } = (await module('store/open')) as typeof import('../../src/store/open.ts');
const { load } = (await module('config/load')) as typeof import('../../src/config/load.ts');
const { presets } = (await module('provider/presets')) as typeof import('../../src/provider/presets.ts');
const { Token } = (await module('token/token')) as typeof import('../../src/token/token.ts');
const { createRouteTable } = (await module('gateway/routes')) as typeof import('../../src/gateway/routes.ts');

const acquired = await measureAcquire();
const matchNs = measureMatch();
const seen: HotPath = { ...acquired, matchNs, routes: routeCount };
process.stdout.write(JSON.stringify(seen));

async function measureAcquire(): Promise<Pick<HotPath, 'acquireNs' | 'isSync'>> {
  const upstream = await startUpstream({}, new AbortController().signal);
  const { config, problems } = load(
    `providers: { bench: { extends: oauth2, token: { url: "${upstream.origin}${tokenPath}" } } }
credentials: { bench: { provider: bench, client_id: bench, client_secret: secret-of-bench } }
routes: { /api: { upstream: "${upstream.origin}", credential: bench } }
`,
    { file: 'routes.yaml', env: {}, presets },
  );
  if (config === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  const store = await openStore(config.store, { now: () => systemClock.wall() });
  const registry = createRegistry({ config, clock: systemClock, store });
  try {
    const credential = registry.get('bench');
    await credential.acquire();
    let others = 0;
    const acquireNs = medianNs(() => {
      for (let i = 0; i < calls; i++) if (!(credential.acquire() instanceof Token)) others++;
    });
    return { acquireNs, isSync: others === 0 };
  } finally {
    await registry.close();
    await upstream.stop();
  }
}

/** Prefixes of one to three segments; paths that go on behind the prefix, a few that match nothing. */
function measureMatch(): number {
  const prefixes = Array.from({ length: routeCount }, (_, i) => {
    const team = `/team-${i % 100}`;
    return [`/service-${i}`, `${team}/service-${i}`, `${team}/service-${i}/v${i % 7}`][i % 3] as string;
  });
  const table = createRouteTable(prefixes.map((prefix) => ({ prefix })));
  const paths = prefixes.map((prefix, i) => (i % 20 === 0 ? `/nobody-${i}/items` : `${prefix}/items/${i}`));
  let found = 0;
  const ns = medianNs(() => {
    for (let i = 0; i < calls; i++) if (table.match(paths[i % routeCount] as string)) found++;
  });
  const expected = (rounds + 1) * calls * 0.95;
  if (Math.abs(found - expected) > 1) throw new Error(`${found} matches instead of ${expected}`);
  return ns;
}

/** CPU time in nanoseconds a call, which other processes do not change; the first round warms up. */
function medianNs(round: () => void): number {
  round();
  const times = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    round();
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1_000) / calls;
  });
  return figure(times).median;
}

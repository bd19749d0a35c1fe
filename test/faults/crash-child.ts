import { request } from 'undici';
import { Secret } from '../../src/config/secret.ts';
import { presets } from '../../src/provider/presets.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { systemClock } from '../../src/token/clock.ts';
import { createTokenHttp, type TokenHttp } from '../../src/token/http.ts';
import { createRegistry } from '../../src/token/registry.ts';
import { credentialConfig } from '../token/config.ts';
import type { CrashOrder, CrashReport } from './crash.ts';

/*
 * One process of a session's life: gets a token as it finds things, then renews it. It kills itself, with a signal
 * nothing can catch, right at the step it is told. Says on standard output what it got.
 */
const order = JSON.parse(process.argv[2] ?? '') as CrashOrder;
let steps = 0;

function step(name: string): void {
  if (++steps !== order.dieAt) return;
  process.stderr.write(`${name}\n`, () => undefined);
  process.kill(process.pid, 'SIGKILL');
}

/** Counts a step right before and right after each call. */
function counted<A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) {
  return async (...args: A): Promise<R> => {
    step(`before ${name}`);
    const result = await call(...args);
    step(`after ${name}`);
    return result;
  };
}

function countedStore(store: Store): Store {
  return {
    ...store,
    load: counted('load', store.load),
    lease: counted('lease', store.lease),
    release: counted('release', store.release),
    compareAndSet: (key, head, session) => {
      const what = session.intent ? 'intent' : session.raw ? 'answer' : 'token';
      return counted(`storing the ${what}`, store.compareAndSet)(key, head, session);
    },
  };
}

const http: TokenHttp = createTokenHttp();
let ahead = 0;
const clock = { ...systemClock, mono: () => systemClock.mono() + ahead };
const store = await openStore(
  { url: { kind: 'sqlite', path: order.file }, key: new Secret(order.key) },
  { now: clock.wall },
);
const provider = resolveProvider('test', { token: { url: order.tokenUrl } }, presets);
const registry = createRegistry({
  config: {
    credentials: {
      acme: credentialConfig({
        grant_type: 'refresh_token',
        client_id: order.client.id,
        client_secret: new Secret(order.client.secret),
        refresh_token: new Secret(order.seed),
      }),
    },
    providers: { acme: provider },
  },
  clock,
  store: countedStore(store),
  http: { ...http, send: counted('sending', http.send) },
});

const statuses: number[] = [];
for (let round = 0; round < 2; round++) {
  const token = await registry.get('acme').acquire();
  const { statusCode, body } = await request(order.apiUrl, {
    headers: { authorization: token.fields[1] ?? '' },
  });
  await body.dump();
  statuses.push(statusCode);
  // Only this process finds its token over: what is stored goes by the wall clock.
  ahead += 3_600_000;
}
await registry.close();
const report: CrashReport = { statuses, steps };
process.stdout.write(JSON.stringify(report));

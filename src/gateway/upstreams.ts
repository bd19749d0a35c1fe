import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { buildConnector, Dispatcher } from 'undici';
import type { Route } from '../config/config.ts';
import { Pool } from '../undici.ts';
import { createConnector, type IsForbidden } from './connector.ts';
import { failResetStreams } from './http2-resets.ts';
import { TrackedClient } from './upstream-connection.ts';

/** Sends one request; the handler hears what becomes of it. */
export type Send = (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => void;

/** Connection pools, one for each distinct way to reach an upstream. */
export interface Upstreams {
  /** The pool of a route; routes that connect alike share one. Throws when a TLS file cannot be read. */
  poolFor(route: Route): Dispatcher;
  /** The pool of a route's WebSockets: HTTP/1.1, and a connection may end in one direction alone. Throws the same. */
  tunnelPoolFor(route: Route): Dispatcher;
  /** Sends on a connection of its own, which ends with the answer. Throws the same. */
  aloneFor(route: Route): Send;
  /** Ends idle connections now and the others when their exchange ends. */
  close(): Promise<void>;
  /** The same for the pools that are none of these: nothing will be sent on them any more. */
  closeOthers(inUse: ReadonlySet<Dispatcher | undefined>): Promise<void>;
  /** Ends all connections at once. */
  destroy(): Promise<void>;
}

interface Reached {
  readonly pool: Pool;
  readonly connect: buildConnector.connector;
}

/**
 * Fixed origins only; no redirects, no retries, no proxy from the environment; HTTP/1.1 unless the route asks
 * otherwise; certificates always checked; names that lead to a forbidden address alone are not connected to.
 */
export function createUpstreams(isForbidden: IsForbidden): Upstreams {
  const reached = new Map<string, Reached>();
  const single = new Set<TrackedClient>();
  const onDestroy: (() => void)[] = [];
  const reach = (route: Route, forTunnels: boolean): Reached => {
    const { origin } = route.upstream;
    const options = connectOptions(route, forTunnels);
    const { allowH2, timeout, ca, cert, key } = options;
    const files = [ca, cert, key].map((file) => file && hash('sha256', file));
    const id = JSON.stringify([origin, files, allowH2, timeout, forTunnels]);
    const known = reached.get(id);
    if (known !== undefined) return known;
    if (allowH2 && onDestroy.length === 0) onDestroy.push(failResetStreams());
    const connect = createConnector(options, isForbidden);
    const factory = (to: URL, options: object) => new TrackedClient(to, { ...options, connect });
    const pool = new Pool(origin, { allowH2, connect, ...(allowH2 ? {} : { factory }) });
    reached.set(id, { pool, connect });
    return { pool, connect };
  };
  const all = () => [...[...reached.values()].map(({ pool }) => pool), ...single];
  return {
    poolFor: (route) => reach(route, false).pool,
    tunnelPoolFor: (route) => reach(route, true).pool,
    aloneFor(route) {
      const { connect } = reach(route, false);
      return (options, handler) => {
        const client = new TrackedClient(route.upstream.origin, { allowH2: false, connect });
        single.add(client);
        client.dispatch({ ...options, reset: true }, handler);
        void client.close().finally(() => single.delete(client));
      };
    },
    async close() {
      await Promise.all(all().map((one) => one.close()));
    },
    async closeOthers(inUse) {
      const others = [...reached].filter(([, { pool }]) => !inUse.has(pool));
      for (const [id] of others) reached.delete(id);
      await Promise.all(others.map(([, { pool }]) => pool.close()));
    },
    async destroy() {
      await Promise.all(all().map((one) => one.destroy()));
      for (const stop of onDestroy.splice(0)) stop();
    },
  };
}

/** How the upstream of a route is connected to, with its TLS files as they are now. Throws when one cannot be read. */
export function connectOptions({ tls, timeout, http2 }: Route, forTunnels = false) {
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  const { ca, cert, key } = { ca: read(tls.ca), cert: read(tls.cert), key: read(tls.key) };
  return {
    allowH2: http2 && !forTunnels,
    timeout: timeout.connect,
    ...(forTunnels ? { allowHalfOpen: true } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

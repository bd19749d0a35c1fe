import { readFileSync } from 'node:fs';
import { type Dispatcher, Pool } from 'undici';
import type { Route } from '../config/config.ts';

/** Connection pools, one for each distinct way to reach an upstream. */
export interface Upstreams {
  /** The pool of a route; routes that connect alike share one. Throws when a TLS file cannot be read. */
  poolFor(route: Route): Dispatcher;
  /** Ends idle connections now and the others when their exchange ends. */
  close(): Promise<void>;
  /** Ends all connections at once. */
  destroy(): Promise<void>;
}

/**
 * Fixed origins only; no redirects, no retries, no proxy from the environment; HTTP/1.1 unless the route asks
 * otherwise; certificates always checked.
 */
export function createUpstreams(): Upstreams {
  const pools = new Map<string, Pool>();
  return {
    poolFor(route) {
      const { ca, cert, key } = route.tls;
      const id = JSON.stringify([route.upstream.origin, ca, cert, key, route.http2, route.timeout.connect]);
      let pool = pools.get(id);
      if (pool === undefined) {
        pool = new Pool(route.upstream.origin, {
          allowH2: route.http2,
          connect: {
            timeout: route.timeout.connect,
            ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
            ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
            ...(key === undefined ? {} : { key: readFileSync(key) }),
          },
        });
        pools.set(id, pool);
      }
      return pool;
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
    async destroy() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

import type { CountedExchange } from '../../src/telemetry/route-counts.ts';

/** An exchange in which nothing is remarkable, and what is in this one. */
export function countedExchange(more: Partial<CountedExchange> = {}): CountedExchange {
  return {
    route: '/a',
    status: 200,
    error: undefined,
    token: 'ready',
    retry: 'none',
    resent: false,
    aborted: undefined,
    tunnel: undefined,
    upstreamMs: 20,
    ...more,
  };
}

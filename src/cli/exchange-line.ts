import type { Exchange } from '../gateway/record.ts';
import type { ExchangeLine } from '../telemetry/exchange-json.ts';

/** What the log says of an exchange that ended at `now` (ms on the clock of `startedAt`). */
export function exchangeLine(exchange: Exchange, now: number): ExchangeLine {
  const { cause } = exchange;
  return {
    id: exchange.id,
    method: exchange.method,
    route: exchange.route,
    credential: exchange.credential,
    caller: exchange.caller,
    status: exchange.status,
    ms: round(now - exchange.startedAt),
    upstream_ms: exchange.upstreamMs === undefined ? undefined : round(exchange.upstreamMs),
    token: exchange.token === 'none' ? undefined : exchange.token,
    retry: exchange.retry === 'none' ? undefined : exchange.retry,
    aborted: exchange.aborted,
    error: exchange.error,
    cause: cause === undefined ? undefined : codeOf(cause),
  };
}

function codeOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return codeOf(cause.errors[0]);
  if (cause instanceof Error)
    return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return 'unknown';
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

import type { Exchange } from '../gateway/record.ts';
import { codeOf, nameOf } from '../telemetry/error-facts.ts';
import type { ExchangeLine } from '../telemetry/exchange-line.ts';

/**
 * What the log says of an exchange that ended at `now` (ms on the clock of `startedAt`); `sampleRate` where only a share of
 * its like is logged.
 */
export function exchangeLine(exchange: Exchange, now: number, sampleRate?: number): ExchangeLine {
  const { cause } = exchange;
  return {
    id: exchange.id,
    trace_id: exchange.traceId,
    span_id: exchange.spanId,
    isGiven: exchange.hasGivenIds,
    method: exchange.method,
    route: exchange.route,
    credential: exchange.credential,
    caller: exchange.caller,
    status: exchange.status,
    ms: round(now - exchange.startedAt),
    upstream_ms: exchange.upstreamMs === undefined ? undefined : round(exchange.upstreamMs),
    token: exchange.token === 'none' ? undefined : exchange.token,
    retry: exchange.retry === 'none' ? undefined : exchange.retry,
    resent: exchange.resent ? 'stale-connection' : undefined,
    aborted: exchange.aborted,
    tunnel: exchange.tunnel,
    error: exchange.error,
    cause: cause === undefined ? undefined : causeCode(cause),
    sample_rate: sampleRate,
  };
}

function causeCode(cause: unknown): string {
  const first: unknown = cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause;
  return codeOf(first) ?? nameOf(first);
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

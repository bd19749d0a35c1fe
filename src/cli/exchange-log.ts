import type { Exchange } from '../gateway/record.ts';
import type { Counters } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import { isInShare } from '../telemetry/trace-share.ts';
import type { Clock } from '../token/clock.ts';
import { exchangeLine } from './exchange-line.ts';
import { paced } from './paced.ts';

export interface ExchangeLogOptions {
  /** The share of ordinary exchanges that are logged, 0 to 1; default: all. */
  readonly sampleRate?: number | undefined;
  /** Is told every exchange as well. */
  readonly ended?: ((exchange: Exchange) => void) | undefined;
}

/** An exchange that takes longer is logged whatever the share, ms. */
const slowMs = 1_000;

/**
 * Logs exchanges that are over, one line each; but those refused for too many wrong keys are counted, and told of in at
 * most one line every ten seconds. Of ordinary ones a share may be logged, the same traces everywhere.
 */
export function exchangeLog(
  log: Log,
  clock: Clock,
  counters: Pick<Counters, 'record'>,
  { sampleRate = 1, ended }: ExchangeLogOptions = {},
): (exchange: Exchange) => void {
  const refused = paced(clock, (count) =>
    log.warn('callers without a right key try too often', {
      refused: count,
      error: 'too-many-attempts',
      what_to_do: 'look for the program that calls with a wrong key; see `callers` in the configuration',
    }),
  );
  return (exchange) => {
    const now = clock.mono();
    const ms = now - exchange.startedAt;
    counters.record(exchange, ms);
    ended?.(exchange);
    if (exchange.error === 'too-many-attempts') refused();
    else if (sampleRate === 1 || !isOrdinary(exchange, ms)) log.exchange(exchangeLine(exchange, now));
    else if (isInShare(exchange.traceId, sampleRate)) log.exchange(exchangeLine(exchange, now, sampleRate));
  };
}

/** Whether nothing about it is worth a word. */
function isOrdinary(exchange: Exchange, ms: number): boolean {
  const { status, error, retry, resent, aborted } = exchange;
  return (
    status >= 200 &&
    status < 400 &&
    ms < slowMs &&
    error === undefined &&
    aborted === undefined &&
    retry === 'none' &&
    !resent
  );
}

import type { Exchange } from '../gateway/record.ts';
import type { Counters } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { Clock } from '../token/clock.ts';
import { exchangeLine } from './exchange-line.ts';
import { paced } from './paced.ts';

/**
 * Logs exchanges that are over, one line each; but those refused for too many wrong keys are counted, and told of in at
 * most one line every ten seconds.
 */
export function exchangeLog(
  log: Log,
  clock: Clock,
  counters: Pick<Counters, 'record'>,
): (exchange: Exchange) => void {
  const refused = paced(clock, (count) =>
    log.warn('callers without a right key try too often', { refused: count, error: 'too-many-attempts' }),
  );
  return (exchange) => {
    const now = clock.mono();
    counters.record(exchange, now - exchange.startedAt);
    if (exchange.error === 'too-many-attempts') refused();
    else log.exchange(exchangeLine(exchange, now));
  };
}

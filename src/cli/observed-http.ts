import { answerTime } from '../provider/expiry.ts';
import type { Clock } from '../token/clock.ts';
import type { TokenHttp } from '../token/http.ts';

/** A way to token endpoints that notes by how much their clocks differ from ours. */
export interface ObservedHttp extends TokenHttp {
  /** Milliseconds that the clock of an origin is ahead of ours, by the Date field of its last answer; 0 when it gave none. */
  aheadMs(origin: string): number;
}

/** A Date field has whole seconds. */
const granularityMs = 1_000;

export function observedHttp(http: TokenHttp, clock: Clock): ObservedHttp {
  const ahead = new Map<string, number>();
  return {
    async send(message, signal, tls) {
      const before = clock.wall();
      const answer = await http.send(message, signal, tls);
      if ('kind' in answer) return answer;
      const after = clock.wall();
      const date = answerTime(answer.date, Number.NaN);
      if (!Number.isNaN(date)) ahead.set(new URL(message.url).origin, beyond(date, before, after));
      return answer;
    },
    aheadMs: (origin) => ahead.get(origin) ?? 0,
    close: () => http.close(),
  };
}

/** How far a time lies outside the span in which it was taken. */
function beyond(date: number, before: number, after: number): number {
  if (date > after) return date - after;
  return Math.min(0, date + granularityMs - before);
}

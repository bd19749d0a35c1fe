import type { RouteTrends } from '../admin/instance-status.ts';
import type { RouteCounts } from '../telemetry/route-counts.ts';
import { RouteHistory } from '../telemetry/route-history.ts';
import type { Clock } from '../token/clock.ts';

/** How long a spell lasts, ms. */
const spellMs = 5_000;
/** How long after the last look at it the history goes on, ms. */
const unwatchedMs = 600_000;

/**
 * What the routes did lately, for somebody who looks: the history begins with the first look, which so shows nothing yet,
 * and is forgotten ten minutes after the last one. While nobody looks it costs nothing.
 */
export function createRouteTrends(counts: () => readonly RouteCounts[], clock: Clock): () => RouteTrends {
  let history: RouteHistory | undefined;
  let lookedAt = 0;
  const spell = (): void => {
    const mono = clock.mono();
    if (mono - lookedAt >= unwatchedMs) {
      history = undefined;
      return;
    }
    history?.take(counts(), mono);
    clock.after(spellMs, spell);
  };
  return () => {
    lookedAt = clock.mono();
    if (history === undefined) {
      history = new RouteHistory();
      history.take(counts(), lookedAt);
      clock.after(spellMs, spell);
    }
    return { everyMs: spellMs, routes: history.read() };
  };
}

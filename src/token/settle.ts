import type { Clock } from './clock.ts';
import type { CurrentToken } from './current.ts';
import type { Subject, TokenEvents } from './events.ts';
import { tokenError } from './failure.ts';
import type { Flight } from './flight.ts';
import type { GrantOutcome } from './grant.ts';
import type { Pace } from './pace.ts';
import { tellFailed, tellGranted } from './tell.ts';
import type { Token } from './token.ts';

export interface Settled {
  readonly subject: Subject;
  readonly clock: Clock;
  readonly current: CurrentToken;
  readonly pace: Pace;
  readonly events: TokenEvents;
}

/** Draws the consequences of a flight's outcome: for the token in force, for those who wait, for when the next may start. */
export function settle(flight: Flight<Token>, outcome: GrantOutcome, of: Settled): void {
  const { subject, clock, current, pace, events } = of;
  const { reason, waiters } = flight;
  const tookMs = clock.mono() - flight.startedMono;
  if ('granted' in outcome) {
    const { token, news } = current.commit(outcome.granted);
    pace.succeeded();
    flight.succeed(token);
    tellGranted(events, { ...subject, reason, waiters }, outcome.granted, { token, news, clock });
    const brought = outcome.granted.stored ? 'adopted' : news ? 'fetched' : 'noop';
    events.landed?.({ ...subject, reason, outcome: brought, tookMs });
    return;
  }
  const { failure, secrets = '' } = outcome;
  const before = pace.gate?.failure;
  const gate = pace.failed(failure, secrets, flight.epoch);
  const retryInMs = gate.untilStarved - clock.mono();
  flight.fail(tokenError(subject, failure, { retryAfterMs: retryInMs, waited: true }));
  const about = { ...subject, reason, waiters, failure, blocked: gate.blocked, retryInMs };
  tellFailed(events, about, before);
  events.landed?.({ ...subject, reason, outcome: 'failed', kind: failure.kind, tookMs });
}

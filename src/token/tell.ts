import type { Clock } from './clock.ts';
import type { Subject, TokenEvents, TokenFailed } from './events.ts';
import type { Failure } from './failure.ts';
import type { FlightReason } from './flight.ts';
import type { Granted } from './grant.ts';
import { ageOf, isEndless } from './region.ts';
import { hashOf, type Token } from './token.ts';

type About = Subject & { readonly reason: FlightReason; readonly waiters: number };

/** Tells what a flight brought: a token out of store or configuration, a new one, or nothing new. */
export function tellGranted(
  events: TokenEvents,
  about: About,
  granted: Granted,
  { token: { gen }, news, clock }: { readonly token: Token; readonly news: boolean; readonly clock: Clock },
): void {
  const { value, lifetimeMs, lifetimeKnown, attempts, warnings, t0Mono } = granted;
  const { reason, waiters, ...subject } = about;
  const hash8 = hashOf(value).slice(0, 8);
  const mono = clock.mono();
  if (granted.stored) {
    const lifetimeLeftMs = isEndless(granted) ? undefined : lifetimeMs - ageOf(granted, mono, clock.wall());
    events.adopted?.({ ...subject, gen, hash8, lifetimeLeftMs });
    return;
  }
  const facts = { gen, lifetimeMs, lifetimeKnown, attempts, warnings, tookMs: mono - t0Mono };
  events.fetched?.({ ...subject, reason, waiters, ...facts, hash8 });
  if (!news) events.noop?.({ ...subject, reason, hash8 });
}

/** Tells a failure; that what the store says has not changed since the one before is no news. */
export function tellFailed(events: TokenEvents, failed: TokenFailed, before: Failure | undefined): void {
  const { local, kind, error } = failed.failure;
  if (local && before?.kind === kind && before.error === error) return;
  events.failed?.(failed);
}

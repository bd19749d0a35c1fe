import type { Clock } from './clock.ts';
import type { CurrentToken } from './current.ts';
import type { Subject } from './events.ts';
import type { Failure } from './failure.ts';
import type { Pace } from './pace.ts';
import { ageOf, isEndless, type Region } from './region.ts';

/** What is known of one credential instance, without its secrets. */
export interface CredentialView extends Subject {
  readonly region: Region | 'NONE' | 'REJECTED';
  readonly refresh: 'IDLE' | 'IN_FLIGHT' | 'BACKOFF' | 'BLOCKED' | 'DRAINING';
  readonly gen: number;
  /** Milliseconds to true expiry; 0 when past, undefined without a token and for one that has no end. */
  readonly lifetimeLeftMs: number | undefined;
  /** Milliseconds from the token request to true expiry; undefined without a token and for one that has no end. */
  readonly lifetimeMs?: number | undefined;
  /** Milliseconds until the token in force is due for renewal; undefined when it is due already, or there is none. */
  readonly renewInMs?: number | undefined;
  /** Milliseconds until a token request may start; 0: now. */
  readonly retryInMs: number;
  /** The failure that has not been followed by a success yet. */
  readonly lastFailure: Failure | undefined;
  /** It has had a token since the start. */
  readonly hadToken: boolean;
  /** Callers who wait for a token now. */
  readonly waiters?: number;
}

export interface ViewInit {
  readonly subject: Subject;
  readonly clock: Clock;
  readonly current: CurrentToken;
  readonly pace: Pace;
  readonly flight: { readonly waiters: number } | undefined;
  readonly draining: boolean;
}

/** The view of an instance as it is now. */
export function viewOf(init: ViewInit): CredentialView {
  const { subject, clock, current, pace, flight, draining } = init;
  const mono = clock.mono();
  const wall = clock.wall();
  const { token } = current;
  const { gate } = pace;
  const retryInMs = Math.max(0, pace.gatedUntil(current.isServing) - mono);
  const waiting = retryInMs > 0 ? (gate?.blocked ? 'BLOCKED' : 'BACKOFF') : 'IDLE';
  const region = current.region(mono, wall);
  const age = token && ageOf(token, mono, wall);
  const ends = token && !isEndless(token) ? token : undefined;
  return {
    ...subject,
    region,
    refresh: flight ? 'IN_FLIGHT' : draining ? 'DRAINING' : waiting,
    gen: token?.gen ?? 0,
    lifetimeLeftMs: ends && Math.max(0, ends.lifetimeMs - (age ?? 0)),
    lifetimeMs: ends?.lifetimeMs,
    renewInMs: ends && region === 'FRESH' ? ends.refreshAt - (age ?? 0) : undefined,
    retryInMs,
    lastFailure: gate?.failure,
    hadToken: token !== undefined,
    waiters: flight?.waiters ?? 0,
  };
}

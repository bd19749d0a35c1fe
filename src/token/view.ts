import type { Clock } from './clock.ts';
import type { CurrentToken } from './current.ts';
import type { Subject } from './events.ts';
import type { Failure } from './failure.ts';
import { ageOf, type Region } from './region.ts';

/** What is known of one credential instance, without its secrets. */
export interface CredentialView extends Subject {
  readonly region: Region | 'NONE' | 'REJECTED';
  readonly refresh: 'IDLE' | 'IN_FLIGHT' | 'BACKOFF' | 'BLOCKED' | 'DRAINING';
  readonly gen: number;
  /** Milliseconds to true expiry; 0 when past, undefined without a token. */
  readonly lifetimeLeftMs: number | undefined;
  /** Milliseconds until a token request may start; 0: now. */
  readonly retryInMs: number;
  /** The failure that has not been followed by a success yet. */
  readonly lastFailure: Failure | undefined;
  /** It has had a token since the start. */
  readonly hadToken: boolean;
}

export interface ViewInit {
  readonly subject: Subject;
  readonly clock: Clock;
  readonly current: CurrentToken;
  readonly inFlight: boolean;
  readonly draining: boolean;
  readonly blocked: boolean;
  /** Monotonic ms before which no token request starts. */
  readonly gatedUntil: number;
  readonly failure: Failure | undefined;
}

/** The view of an instance as it is now. */
export function viewOf(init: ViewInit): CredentialView {
  const { subject, clock, current, inFlight, draining, blocked, gatedUntil, failure } = init;
  const mono = clock.mono();
  const wall = clock.wall();
  const { token } = current;
  const retryInMs = Math.max(0, gatedUntil - mono);
  const waiting = retryInMs > 0 ? (blocked ? 'BLOCKED' : 'BACKOFF') : 'IDLE';
  return {
    ...subject,
    region: current.region(mono, wall),
    refresh: inFlight ? 'IN_FLIGHT' : draining ? 'DRAINING' : waiting,
    gen: token?.gen ?? 0,
    lifetimeLeftMs: token && Math.max(0, token.lifetimeMs - ageOf(token, mono, wall)),
    retryInMs,
    lastFailure: failure,
    hadToken: token !== undefined,
  };
}

import type { Subject } from './events.ts';
import type { Failure } from './failure.ts';
import type { Region } from './region.ts';

/** What is known of one credential instance, without its secrets. */
export interface CredentialView extends Subject {
  readonly region: Region | 'NONE' | 'REJECTED';
  readonly refresh: 'IDLE' | 'IN_FLIGHT' | 'BACKOFF' | 'BLOCKED' | 'DRAINING';
  readonly gen: number;
  /** Milliseconds to true expiry; 0 when past, undefined without a token. */
  readonly lifetimeLeftMs: number | undefined;
  /** Milliseconds until a token request may start: 0 now, Infinity not before a secret changes. */
  readonly retryInMs: number;
  /** The failure that has not been followed by a success yet. */
  readonly lastFailure: Failure | undefined;
  /** It has had a token since the start. */
  readonly hadToken: boolean;
}

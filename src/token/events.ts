import type { Failure, FailureKind } from './failure.ts';
import type { FlightReason } from './flight.ts';
import type { Revocation } from './revocation.ts';
import type { Token, TokenOwner } from './token.ts';

/** Whom an event is about. */
export interface Subject {
  readonly credential: string;
  readonly tenant?: string | undefined;
}

/**
 * Is told the token that is to be served from now on, new, prolonged or taken back; undefined: whoever has one must not
 * serve it any more, and whoever was told of a failure may ask again. `owner` is whose token it is: a subject may have
 * another in a later configuration. Must not throw.
 */
export type TokenChanged = (subject: Subject, token: Token | undefined, owner: TokenOwner) => void;

export interface TokenFetched extends Subject {
  readonly reason: FlightReason;
  readonly gen: number;
  /** First 8 hex digits of the value's SHA-256. */
  readonly hash8: string;
  readonly lifetimeMs: number;
  /** False: the answer gave no lifetime, the default was taken. */
  readonly lifetimeKnown: boolean;
  /** Callers who waited for it. */
  readonly waiters: number;
  readonly tookMs: number;
  readonly attempts: number;
  readonly warnings: readonly string[];
}

export interface TokenFailed extends Subject {
  readonly reason: FlightReason;
  readonly failure: Failure;
  /** No further request before the operator changes something, but for rare probes. */
  readonly blocked: boolean;
  /** Milliseconds until the next request may start. */
  readonly retryInMs: number;
  readonly waiters: number;
}

/** What a flight brought: a new token, one out of the store, nothing new, or a failure. */
export interface FlightLanded extends Subject {
  readonly reason: FlightReason;
  readonly outcome: 'fetched' | 'adopted' | 'noop' | 'failed';
  /** Of a failure. */
  readonly kind?: FailureKind | undefined;
  /** Milliseconds that its work took; waiting for its turn is left out. */
  readonly tookMs: number;
}

/**
 * What happens to tokens, for logs and metrics. Called after the state has changed; handlers must not throw.
 * Nothing in an event is secret.
 */
export interface TokenEvents {
  fetched?(event: TokenFetched): void;
  /** A token came out of the store, or a key, which has no end, out of the configuration: without a token request. */
  adopted?(
    event: Subject & {
      readonly gen: number;
      readonly hash8: string;
      readonly lifetimeLeftMs: number | undefined;
    },
  ): void;
  failed?(event: TokenFailed): void;
  /** A flight is over; told of every one, after what else is told of it. */
  landed?(event: FlightLanded): void;
  /** Secrets or TLS files of a credential are others now; `names` are its keys. */
  secretsChanged?(event: Subject & { readonly names: readonly string[] }): void;
  /** A secret could not be read again and stays as it was. Told once until it can. */
  secretKept?(event: Subject & { readonly name: string; readonly reason: string }): void;
  /** Tokens were revoked, or could not be. */
  revoked?(event: Subject & Revocation & { readonly hash8: string | undefined }): void;
  /** What was fetched is nothing new: the value we had, or one that an upstream refused before. */
  noop?(event: Subject & { readonly reason: FlightReason; readonly hash8: string }): void;
  /** An upstream refused the current token. `forced`: renewal started; `joined`: one was running; `guarded`: passed on. */
  refused?(
    event: Subject & {
      readonly origin: string;
      readonly gen: number;
      readonly action: 'forced' | 'joined' | 'guarded';
    },
  ): void;
}

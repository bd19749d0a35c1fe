import type { Failure } from './failure.ts';
import type { FlightReason } from './flight.ts';

/** A token as granted, not yet a generation. Holds secrets. */
export interface Granted {
  readonly value: string;
  /** Fields that carry it upstream, flat. */
  readonly fields: readonly string[];
  /** Top-level texts, numbers and booleans of the answer it came in; absent when it comes out of a store. */
  readonly answer?: Readonly<Record<string, string>> | undefined;
  readonly lifetimeMs: number;
  readonly lifetimeKnown: boolean;
  readonly renewAfterMs: number | undefined;
  /** Both clocks before the request was sent. */
  readonly t0Mono: number;
  readonly t0Wall: number;
  readonly attempts: number;
  readonly warnings: readonly string[];
  /** It came out of the store, or the configuration: no request was made for it. */
  readonly stored?: true | undefined;
  /** Its use keeps it alive: it is prolonged, and only while somebody uses it. */
  readonly sliding?: true | undefined;
}

/** `secrets` is the fingerprint of those that failed. */
export type GrantOutcome =
  | { readonly granted: Granted }
  | { readonly failure: Failure; readonly secrets?: string };

/** What a flight wants of its grant. */
export interface Wanted {
  readonly reason: FlightReason;
  /** Whether a token of this SHA-256 is no news: the one at hand, or one that an upstream refused. */
  unwanted(hash: string): boolean;
  /** The credential has a token to serve meanwhile. */
  readonly serving: boolean;
  /** A request that cannot have had an effect may be repeated once. */
  readonly mayRepeat: boolean;
}

/** How one credential gets its tokens. */
export interface Grant {
  /** Milliseconds one flight may take. */
  readonly timeoutMs: number;
  /** It holds something that exists nowhere else: losing it means a new login. */
  readonly irreplaceable: boolean;
  /** What a request in progress waits for, when that is not its provider. */
  readonly waitsFor?: Failure | undefined;
  /** Asks for a token. Never rejects. */
  request(signal: AbortSignal, wanted: Wanted): Promise<GrantOutcome>;
  /** Fingerprint of the secrets the next request would use. */
  secrets(): string;
  /**
   * SHA-256 of the token of the stored session; `gone` when there is no session any more, undefined when it has no token
   * now. Rejects as the store does. Absent: there is nothing stored.
   */
  stored?(): Promise<string | 'gone' | undefined>;
  /**
   * Whether the configuration has the token of this SHA-256. Absent: tokens are asked for. One that is in the
   * configuration costs no request: it may be read again at once, as often as it is refused, and is replaced when it is
   * no longer there.
   */
  configured?(hash: string): boolean;
  /**
   * A request in progress must not be cut: starts nothing more, and resolves when there is none. Absent: it may be cut.
   */
  finish?(): Promise<void>;
}

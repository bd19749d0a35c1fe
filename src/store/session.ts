/** Whose session: a credential's, of one tenant when it has tenants. */
export interface SessionKey {
  readonly credential: string;
  readonly tenant?: string | undefined;
}

/** An access token as it is kept. Holds secrets. Times are milliseconds since the Unix epoch. */
export interface StoredToken {
  readonly value: string;
  /** The fields that carry it upstream, flat. */
  readonly fields: readonly string[];
  readonly lifetimeMs: number;
  readonly lifetimeKnown: boolean;
  readonly renewAfterMs?: number | undefined;
  /** When its request was sent, and when it was stored. */
  readonly t0Wall: number;
  readonly storedWall: number;
}

/** A token endpoint's answer as it came, kept until it has been read. Holds secrets. */
export interface RawAnswer {
  readonly status: number;
  readonly contentType?: string | undefined;
  readonly date?: string | undefined;
  readonly body: string;
  /** When its request was sent, ms since the Unix epoch. */
  readonly t0Wall: number;
}

/** What must survive a restart for a grant with a refresh token. Plain data that JSON can carry. Holds secrets. */
export interface Session {
  /** Names the refresh token in force: another whenever that changes. It is what compare-and-set compares. */
  readonly head: string;
  readonly refresh_token: string;
  /** SHA-256 of the configured refresh token at the time; another one there starts a new session. */
  readonly seed?: string | undefined;
  /** The seeds of the sessions before it, the last eight: none of them starts anything any more. */
  readonly former_seeds?: readonly string[] | undefined;
  /** What the login gave and later requests repeat, by standard parameter name (Rev: code, redirect_uri). */
  readonly login?: Readonly<Record<string, string>> | undefined;
  /** The refresh token was or may have been sent, by whom and since when (ms since the Unix epoch). */
  readonly intent?: { readonly owner: string; readonly startedWall: number } | undefined;
  readonly raw?: RawAnswer | undefined;
  readonly token?: StoredToken | undefined;
  /** The provider refused the refresh token for good: its error code. Only a login or another seed helps. */
  readonly spent?: string | undefined;
}

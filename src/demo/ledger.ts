/** One access token a vendor has issued. */
export interface IssuedToken {
  readonly value: string;
  /** Milliseconds since the Unix epoch. */
  expiresAt: number;
  /** What the vendor knows about it: scope, session, location. */
  readonly facts: Readonly<Record<string, string>>;
}

/** The access tokens a vendor has issued and what is still true of them. */
export class Ledger {
  /** Seconds that tokens issued from now on live. */
  lifetime: number;
  readonly now: () => number;
  readonly #tokens = new Map<string, IssuedToken>();

  /** `now` gives milliseconds since the Unix epoch; `lifetime` is in seconds. */
  constructor(now: () => number, lifetime: number) {
    this.now = now;
    this.lifetime = lifetime;
  }

  issue(value: string, facts: Readonly<Record<string, string>> = {}): IssuedToken {
    this.#dropExpired();
    const token = { value, expiresAt: this.now() + this.lifetime * 1000, facts };
    this.#tokens.set(value, token);
    return token;
  }

  /** The token when it was issued here, is not revoked and has not expired. */
  find(value: string | undefined): IssuedToken | undefined {
    const token = value === undefined ? undefined : this.#tokens.get(value);
    return token !== undefined && token.expiresAt > this.now() ? token : undefined;
  }

  /** The token lives a whole lifetime from now: a sliding session. */
  prolong(token: IssuedToken): void {
    token.expiresAt = this.now() + this.lifetime * 1000;
  }

  revoke(value: string): void {
    this.#tokens.delete(value);
  }

  /** Revokes every token with this fact. */
  revokeWhere(fact: string, value: string): void {
    for (const token of this.#tokens.values())
      if (token.facts[fact] === value) this.#tokens.delete(token.value);
  }

  revokeAll(): void {
    this.#tokens.clear();
  }

  expireAll(): void {
    const now = this.now();
    for (const token of this.#tokens.values()) token.expiresAt = Math.min(token.expiresAt, now);
  }

  #dropExpired(): void {
    const now = this.now();
    for (const token of this.#tokens.values()) if (token.expiresAt <= now) this.#tokens.delete(token.value);
  }
}

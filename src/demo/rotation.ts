import { randomBytes } from 'node:crypto';
import type { IssuedToken, Ledger } from './ledger.ts';

/** Everything that comes of one consent. */
export interface Family {
  readonly id: string;
  readonly facts: Readonly<Record<string, string>>;
  /** The one that is to be spent next. */
  refreshToken: string;
  ended: boolean;
  /** What the last refresh token spent has brought. */
  last?: { readonly spent: string; readonly at: number; readonly token: IssuedToken };
}

export interface RotationOptions {
  readonly ledger: Ledger;
  /** Seconds. */
  readonly grace: number;
  /** A new access token's value. */
  readonly newToken: (family: Family) => string;
}

/** What a refresh token has brought. */
export interface Refreshed {
  readonly family: Family;
  readonly token: IssuedToken;
  /** Seconds the access token still has. */
  readonly expiresIn: number;
}

/**
 * Single-use refresh tokens. One that comes twice ends everything it led to (RFC 9700 §4.14.2). Within the grace, the
 * last one spent gets the same pair again as long as its successor was not used: its answer may have been lost.
 */
export class Rotation {
  /** Refresh tokens spent. */
  refreshes = 0;
  /** Pairs given again within the grace. */
  replays = 0;
  /** Spent tokens that came again otherwise. */
  reuses = 0;
  /** Families ended by that. */
  ended = 0;
  readonly #options: RotationOptions;
  readonly #families = new Map<string, Family>();

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /** A new family; `facts` become those of its access tokens. */
  begin(facts: Readonly<Record<string, string>> = {}): Family {
    const id = randomBytes(8).toString('hex');
    const family = { id, facts, refreshToken: newRefreshToken(), ended: false };
    this.#families.set(family.refreshToken, family);
    return family;
  }

  /** A further access token for the family. */
  issue(family: Family): Refreshed {
    const { ledger, newToken } = this.#options;
    const token = ledger.issue(newToken(family), { ...family.facts, family: family.id });
    return { family, token, expiresIn: ledger.lifetime };
  }

  /** What the refresh token brings; undefined when it is not good. */
  spend(value: string | undefined): Refreshed | undefined {
    const family = this.#families.get(value ?? '');
    if (family === undefined || value === undefined) return undefined;
    if (family.refreshToken === value) return family.ended ? undefined : this.#rotate(family);
    return this.#again(family, value) ?? this.#end(family);
  }

  /** The family is over, and every access token of it. */
  revoke(family: Family): void {
    family.ended = true;
    this.#options.ledger.revokeWhere('family', family.id);
  }

  #rotate(family: Family): Refreshed {
    const spent = family.refreshToken;
    family.refreshToken = newRefreshToken();
    this.#families.set(family.refreshToken, family);
    const refreshed = this.issue(family);
    family.last = { spent, at: this.#options.ledger.now(), token: refreshed.token };
    this.refreshes++;
    return refreshed;
  }

  #again(family: Family, value: string): Refreshed | undefined {
    const { ledger, grace } = this.#options;
    const { last } = family;
    if (family.ended || last?.spent !== value || ledger.now() - last.at >= grace * 1000) return undefined;
    this.replays++;
    const left = Math.floor((last.token.expiresAt - ledger.now()) / 1000);
    return { family, token: last.token, expiresIn: Math.max(0, left) };
  }

  #end(family: Family): undefined {
    this.reuses++;
    if (!family.ended) this.ended++;
    this.revoke(family);
  }
}

function newRefreshToken(): string {
  return randomBytes(64).toString('base64url');
}

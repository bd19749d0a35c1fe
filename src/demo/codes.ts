import { randomBytes } from 'node:crypto';

/** Milliseconds. RFC 6749 §4.1.2 allows ten minutes at most; no vendor's page names a figure. */
const lifetime = 60_000;

/** Authorization codes: each is good for one attempt, whatever comes of it, and for a minute. */
export class Codes<G> {
  readonly #now: () => number;
  readonly #codes = new Map<string, { grant: G; expiresAt: number; spent: boolean }>();

  /** `now` gives milliseconds since the Unix epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  issue(grant: G, code = randomBytes(32).toString('base64url')): string {
    this.#codes.set(code, { grant, expiresAt: this.#now() + lifetime, spent: false });
    return code;
  }

  /**
   * What was granted with the code, and whether it has been spent before: then nothing may be given, and what it gave
   * should be revoked (RFC 6749 §4.1.2). Undefined for codes unknown or too old.
   */
  spend(code: unknown): { grant: G; again: boolean } | undefined {
    const known = this.#codes.get(String(code));
    if (known === undefined) return undefined;
    const again = known.spent;
    if (!again && known.expiresAt <= this.#now()) return undefined;
    known.spent = true;
    return { grant: known.grant, again };
  }
}

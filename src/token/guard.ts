import type { Clock } from './clock.ts';

interface Bucket {
  tokens: number;
  /** Forced renewals since this origin last took the current token. */
  streak: number;
  refilledAt: number;
}

const size = 2;
const refillMs = 30_000;
const maxRefillMs = 300_000;

/**
 * Bounds the renewals that refused tokens may force: for each origin a bucket of two, refilled every 30 s, 60 s,
 * 120 s … 300 s while the renewed token is refused as well.
 */
export class Guard {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether `take` would succeed now. */
  allows(origin: string): boolean {
    return this.#filled(origin).tokens > 0;
  }

  /** Takes one forced renewal for `origin`; false when none is left. */
  take(origin: string): boolean {
    const bucket = this.#filled(origin);
    if (bucket.tokens === 0) return false;
    if (bucket.tokens === size) bucket.refilledAt = this.#clock.mono();
    bucket.tokens--;
    bucket.streak++;
    return true;
  }

  /** The current token was not refused by `origin`: the next refill takes the short time again. */
  accepted(origin: string): void {
    const bucket = this.#buckets.get(origin);
    if (bucket) bucket.streak = 0;
  }

  #filled(origin: string): Bucket {
    const now = this.#clock.mono();
    let bucket = this.#buckets.get(origin);
    if (!bucket) {
      bucket = { tokens: size, streak: 0, refilledAt: now };
      this.#buckets.set(origin, bucket);
    }
    const interval = Math.min(refillMs * 2 ** Math.max(0, bucket.streak - size), maxRefillMs);
    while (bucket.tokens < size && now - bucket.refilledAt >= interval) {
      bucket.tokens++;
      bucket.refilledAt += interval;
    }
    return bucket;
  }
}

import type { SessionKey } from '../store/session.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { isGone } from './owner.ts';
import { pause } from './pause.ts';

export interface LeaseInit {
  readonly store: Store;
  readonly key: SessionKey;
  readonly owner: string;
  readonly clock: Clock;
}

/** Short, so that a crash holds nobody up for long; prolonged while it is in use. */
const leaseMs = 10_000;
const prolongMs = 3_000;

/** The right to spend one session's refresh token, held by at most one process at a time. */
export class Lease {
  /** How often to look again while somebody else holds it, ms. */
  readonly pollMs = 200;
  readonly #init: LeaseInit;
  #cancel: (() => void) | undefined;
  #prolonging: Promise<unknown> = Promise.resolve();

  constructor(init: LeaseInit) {
    this.#init = init;
  }

  /** Takes it, also from a process that is gone; false while another holds it. Rejects as the store does. */
  async take(): Promise<boolean> {
    const { store, key, owner } = this.#init;
    let holder = await store.lease(key, owner, leaseMs);
    if (holder !== owner && isGone(holder)) {
      await store.release(key, holder);
      holder = await store.lease(key, owner, leaseMs);
    }
    if (holder !== owner) return false;
    this.#prolongLater();
    return true;
  }

  /** Takes it as soon as it is free; false when that is not within `ms`, or the signal aborts before. */
  async takeWithin(ms: number, signal: AbortSignal): Promise<boolean> {
    for (let waited = 0; ; waited += this.pollMs) {
      if (await this.take()) return true;
      if (waited >= ms || !(await pause(this.#init.clock, this.pollMs, signal))) return false;
    }
  }

  /** Gives it up, if it is still ours. A store that cannot be reached lets it run out. */
  async end(): Promise<void> {
    const { store, key, owner } = this.#init;
    this.#cancel?.();
    await this.#prolonging;
    await store.release(key, owner).catch(() => undefined);
  }

  #prolongLater(): void {
    const { store, key, owner, clock } = this.#init;
    this.#cancel = clock.after(prolongMs, () => {
      this.#prolongLater();
      // Losing it changes nothing: who writes first is decided by compare-and-set.
      this.#prolonging = store.lease(key, owner, leaseMs).catch(() => undefined);
    });
  }
}

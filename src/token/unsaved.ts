import type { Session, SessionKey } from '../store/session.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { pause } from './pause.ts';

export interface UnsavedInit {
  readonly store: Store;
  readonly key: SessionKey;
  readonly clock: Clock;
}

const everyMs = 500;

/** What an answer brought and the store has not taken yet: it exists nowhere else, and is stored as soon as that is possible. */
export class Unsaved {
  readonly #init: UnsavedInit;
  #pending: { readonly head: string; readonly session: Session } | undefined;
  #saving: Promise<boolean> | undefined;
  #error: unknown;

  constructor(init: UnsavedInit) {
    this.#init = init;
  }

  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * Stores a session in the place of that with this head: true when it is stored, false when somebody else was faster. A
   * store that is away is tried again and again; when the signal aborts, this wait ends with the store's error, and
   * storing goes on.
   */
  keep(head: string, session: Session, signal: AbortSignal): Promise<boolean> {
    this.#pending = { head, session };
    return this.wait(signal) as Promise<boolean>;
  }

  /** Waits for what is pending; undefined when nothing is. Rejects as `keep`. */
  async wait(signal: AbortSignal): Promise<boolean | undefined> {
    if (this.#pending === undefined) return undefined;
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    const { promise, reject } = Promise.withResolvers<never>();
    const aborted = () => reject(this.#error ?? signal.reason);
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    try {
      return await Promise.race([this.#saving, promise]);
    } finally {
      signal.removeEventListener('abort', aborted);
    }
  }

  async #save(): Promise<boolean> {
    const { store, key, clock } = this.#init;
    for (;;) {
      const pending = this.#pending;
      if (pending === undefined) return true;
      try {
        const saved = await store.compareAndSet(key, pending.head, pending.session);
        this.#pending = undefined;
        return saved;
      } catch (error) {
        this.#error = error;
      }
      await pause(clock, everyMs);
    }
  }
}

import { type Gate, nextGate } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Failure } from './failure.ts';
import type { Thresholds } from './region.ts';

/** Between the starts of two token requests, ms. */
const paceMs = 1_000;
/** The same when the second renews a token that would not outlast the longer time by much. */
const shortPaceMs = 250;

/**
 * When one credential's token requests may start: a second apart, and not before a failure's wait is over. Only the
 * renewal that a token in force is due for by its own short lifetime may follow sooner: its callers would have to wait.
 */
export class Pace {
  readonly #clock: Clock;
  #gate: Gate | undefined;
  #startedMono = -Infinity;
  #epoch = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The failure that has not been followed by a success yet, and what it means. */
  get gate(): Gate | undefined {
    return this.#gate;
  }

  /** Rises with each reset. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Monotonic ms before which failures let no request start; `serving`: there is a token to serve meanwhile. */
  gatedUntil(serving: boolean): number {
    if (!this.#gate) return -Infinity;
    return serving ? this.#gate.untilServing : this.#gate.untilStarved;
  }

  /** Whether a renewal may start now; `due` is the token in force when its age is the reason. */
  allows(mono: number, serving: boolean, due?: Thresholds): boolean {
    return mono >= Math.max(this.gatedUntil(serving), this.#startedMono + this.#apart(due));
  }

  /** Notes a start, and gives when it may be: monotonic ms. */
  start(mono: number, due?: Thresholds): number {
    this.#startedMono = Math.max(mono, this.#startedMono + this.#apart(due));
    return this.#startedMono;
  }

  #apart(due: Thresholds | undefined): number {
    const isShort = due !== undefined && due.hardAt < 2 * paceMs;
    return isShort && this.#gate === undefined ? shortPaceMs : paceMs;
  }

  succeeded(): void {
    this.#gate = undefined;
  }

  /** The gate after a failure; it holds unless there was a reset since `epoch`. */
  failed(failure: Failure, secrets: string, epoch: number): Gate {
    const gate = nextGate(this.#gate, failure, secrets, this.#clock);
    if (epoch === this.#epoch) this.#gate = gate;
    return gate;
  }

  /** Forgets failures. */
  reset(): void {
    this.#epoch++;
    this.#gate = undefined;
  }
}

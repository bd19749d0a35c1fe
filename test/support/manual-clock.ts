import type { Clock } from '../../src/token/clock.ts';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** A clock that only a test moves. Its randomness is a fixed sequence. */
export class ManualClock implements Clock {
  #mono = 5_000_000;
  #wall = Date.UTC(2030, 0, 1);
  readonly #timers = new Set<Timer>();
  #seed: number;
  /** The longest timer asked for so far, ms. */
  longestTimer = 0;

  constructor(seed = 1) {
    this.#seed = seed;
  }

  mono(): number {
    return this.#mono;
  }

  wall(): number {
    return this.#wall;
  }

  after(ms: number, fn: () => void): () => void {
    this.longestTimer = Math.max(this.longestTimer, ms);
    const timer = { at: this.#mono + Math.max(ms, 0), fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Timers that have not run yet. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves both clocks, running every timer that falls due at its time. */
  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms;
    await settled();
    for (let due = this.#due(end); due; due = this.#due(end)) {
      this.#move(Math.max(due.at - this.#mono, 0));
      this.#timers.delete(due);
      due.fn();
      await settled();
    }
    this.#move(end - this.#mono);
    await settled();
  }

  /** Both clocks forward without running timers or letting promises settle; for millions of steps between timers. */
  step(ms: number): void {
    this.#move(ms);
  }

  /** Whether a timer falls due within `ms`. */
  isDue(ms: number): boolean {
    return this.#due(this.#mono + ms) !== undefined;
  }

  /** The machine sleeps: the wall clock goes on, the monotonic one and timers stand still. */
  suspend(ms: number): void {
    this.#wall += ms;
  }

  /** Somebody sets the wall clock, forward or back. */
  setWall(difference: number): void {
    this.#wall += difference;
  }

  #move(ms: number): void {
    this.#mono += ms;
    this.#wall += ms;
  }

  #due(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (timer.at <= end && (!first || timer.at < first.at)) first = timer;
    return first;
  }
}

/** Lets every promise settle that does not wait for I/O. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await undefined;
}

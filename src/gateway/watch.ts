import type { Clock } from '../token/clock.ts';

/** Something under way whose time limits are looked at now and then. */
export interface Watched {
  /** `now` in ms on the monotonic clock. */
  check(now: number): void;
}

/**
 * One coarse timer for everything under way, instead of two for each request: time limits hold to within half a second.
 * Places are numbered and used again. A Set would cost a third of a request: each entry lives just long enough for the
 * garbage collector to move it.
 */
export class Watch {
  readonly #clock: Clock;
  readonly #places: (Watched | undefined)[] = [];
  readonly #free: number[] = [];
  #ticking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many are watched. */
  get size(): number {
    return this.#places.length - this.#free.length;
  }

  /** Starts watching; gives the place to `leave` with. */
  enter(one: Watched): number {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = one;
    if (!this.#ticking) {
      this.#ticking = true;
      this.#clock.after(tickMs, this.#tick);
    }
    return place;
  }

  /** Stops watching. A place must be left exactly once. */
  leave(place: number): void {
    this.#places[place] = undefined;
    this.#free.push(place);
  }

  readonly #tick = (): void => {
    const now = this.#clock.mono();
    for (const one of this.#places) one?.check(now);
    this.#ticking = this.size > 0;
    if (this.#ticking) this.#clock.after(tickMs, this.#tick);
  };
}

const tickMs = 500;

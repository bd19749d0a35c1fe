import type { Clock } from './clock.ts';

/** Why a flight was started; `manual`: an operator asked for it. */
export type FlightReason = 'cold' | 'soft' | 'hard' | 'force' | 'login' | 'manual';

export interface FlightPlan<O, T> {
  readonly clock: Clock;
  readonly reason: FlightReason;
  /** The configuration epoch it was started in. */
  readonly epoch: number;
  /** Milliseconds before it starts; waiters may join meanwhile. */
  readonly delayMs: number;
  /** Milliseconds it may take from its start. */
  readonly timeoutMs: number;
  /** The work; `signal` aborts when its time is over. A rejection is a defect: it ends the flight and is not handled. */
  run(signal: AbortSignal): Promise<O>;
  /** The outcome when the time is over. */
  late(): O;
  /** Called once with the outcome; has to call `succeed` or `fail`. */
  landed(flight: Flight<T>, outcome: O): void;
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
  release(): void;
}

/**
 * One token request in progress and those who wait for it. Waiters come and go without touching it; it always ends,
 * with an answer or when its time is over; nobody has to wait for it, so its failure is never an unhandled rejection.
 */
export class Flight<T> {
  readonly reason: FlightReason;
  readonly epoch: number;
  /** Monotonic ms at which the work began; until then, at which it was launched. */
  startedMono: number;
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter<T>>();
  readonly #end: () => void;

  /** Starts it; nothing of the work runs before this returns. */
  static launch<O, T>(plan: FlightPlan<O, T>): Flight<T> {
    const abort = new AbortController();
    let landed = false;
    let cancel = () => {};
    const land = (outcome: O) => {
      if (landed) return;
      landed = true;
      cancel();
      plan.landed(flight, outcome);
    };
    const end = () => {
      land(plan.late());
      abort.abort();
    };
    const begin = () => {
      if (landed) return;
      flight.startedMono = plan.clock.mono();
      cancel = plan.clock.after(plan.timeoutMs, end);
      plan.run(abort.signal).then(land, (error: unknown) => {
        end();
        throw error;
      });
    };
    const flight = new Flight<T>(plan, end);
    if (plan.delayMs > 0) cancel = plan.clock.after(plan.delayMs, begin);
    else queueMicrotask(begin);
    return flight;
  }

  private constructor(plan: Pick<FlightPlan<unknown, T>, 'clock' | 'reason' | 'epoch'>, end: () => void) {
    this.reason = plan.reason;
    this.epoch = plan.epoch;
    this.startedMono = plan.clock.mono();
    this.#clock = plan.clock;
    this.#end = end;
  }

  /**
   * Waits for the result for at most `waitMs`. Rejects with the flight's error, with `late()` when the wait is over, or
   * with the signal's reason; none of these ends the flight.
   */
  join(waitMs: number, late: () => Error, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const leave = (error: unknown) => {
        this.#waiters.delete(waiter);
        waiter.release();
        reject(error);
      };
      const cancel = this.#clock.after(waitMs, () => leave(late()));
      const aborted = () => leave(signal?.reason);
      signal?.addEventListener('abort', aborted, { once: true });
      const release = () => {
        cancel();
        signal?.removeEventListener('abort', aborted);
      };
      const waiter: Waiter<T> = { resolve, reject, release };
      this.#waiters.add(waiter);
    });
  }

  /** Callers waiting now. */
  get waiters(): number {
    return this.#waiters.size;
  }

  succeed(value: T): void {
    for (const waiter of this.#released()) waiter.resolve(value);
  }

  fail(error: unknown): void {
    for (const waiter of this.#released()) waiter.reject(error);
  }

  /** Ends it now, as when its time is over. */
  end(): void {
    this.#end();
  }

  #released(): Waiter<T>[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.release();
    return waiters;
  }
}

/** The two clocks every lifetime is measured on, and the only timer. Injected, so tests own time. */
export interface Clock {
  /** Milliseconds that never go back; may stand still while the machine sleeps. */
  mono(): number;
  /** Milliseconds since the Unix epoch; may jump. */
  wall(): number;
  /** Runs `fn` after `ms` milliseconds; the timer never keeps the process alive. Returns its cancel. */
  after(ms: number, fn: () => void): () => void;
  /** A number in [0, 1) for jitter. */
  random(): number;
}

/** How much the wall clocks of two machines may differ before one of them counts as set back, ms. */
export const clockSlackMs = 5_000;

/** The machine's clocks. No timer is longer than 60 s: setTimeout fires at once beyond 2^31 ms. */
export const systemClock: Clock = {
  mono: () => performance.now(),
  wall: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, Math.min(Math.max(ms, 0), 60_000));
    timer.unref();
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

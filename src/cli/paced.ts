import type { Clock } from '../token/clock.ts';

const defaultEveryMs = 10_000;

/**
 * Counts, and calls `tell` with the count since it was called before: at once for the first, then every `everyMs`
 * (10 s) at most.
 */
export function paced(clock: Clock, tell: (count: number) => void, everyMs = defaultEveryMs): () => void {
  let count = 0;
  let isResting = false;
  const next = () => {
    isResting = count > 0;
    if (!isResting) return;
    tell(count);
    count = 0;
    clock.after(everyMs, next);
  };
  return () => {
    count++;
    if (!isResting) next();
  };
}

import type { Clock } from './clock.ts';

/** How often files of secrets and certificates are looked at, ms. */
export const rereadMs = 15_000;

/** Calls `look` every `ms` milliseconds, the first time after that long. Gives its end. */
export function every(clock: Clock, ms: number, look: () => void): () => void {
  const next = () => {
    look();
    cancel = clock.after(ms, next);
  };
  let cancel = clock.after(ms, next);
  return () => cancel();
}

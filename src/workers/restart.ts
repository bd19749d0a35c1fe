const baseMs = 1_000;
const maxMs = 30_000;
/** One that lived so long did not fail at its start. */
const goodMs = 60_000;

/**
 * When to start the next worker after one that lived `livedMs`, and how many in a row have not lasted by now: the first
 * at once, then after 1, 2, 4 … 30 s.
 */
export function restartDelay(streak: number, livedMs: number): { delayMs: number; streak: number } {
  if (livedMs >= goodMs || streak === 0) return { delayMs: 0, streak: 1 };
  return { delayMs: Math.min(baseMs * 2 ** (streak - 1), maxMs), streak: streak + 1 };
}

/** Upper bounds of the buckets, ms, each inclusive as Prometheus' `le` is; a last bucket is for what is longer. */
export const bounds = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
] as const;

/** Durations by length. */
export interface Histogram {
  /** How many fell into each bucket, one more than there are bounds; not cumulative. */
  readonly buckets: readonly number[];
  /** Of all durations, ms. */
  readonly sum: number;
}

/** How many numbers of a row a histogram takes: the sum in µs, then its buckets. */
export const histogramSize = 1 + bounds.length + 1;

/** Notes a duration in the histogram that starts at `start` of a row. */
export function observe(row: Float64Array, start: number, ms: number): void {
  let bucket = 0;
  while (bucket < bounds.length && ms > (bounds[bucket] as number)) bucket++;
  (row[start + 1 + bucket] as number) += 1;
  // Whole numbers add up to the same in any order.
  (row[start] as number) += Math.round(ms * 1_000);
}

/** The histogram that starts at `start` of a row. */
export function histogramIn(row: Float64Array, start: number): Histogram {
  const buckets: number[] = [];
  for (let place = start + 1; place < start + histogramSize; place++) buckets.push(row[place] as number);
  return { buckets, sum: (row[start] as number) / 1_000 };
}

/**
 * Estimates the duration, ms, that a part `q` (0 to 1) of all does not exceed, as if each bucket were filled evenly; the
 * highest bound when it is longer than that. Undefined without any. Prometheus' `histogram_quantile` does the same.
 */
export function quantile(q: number, { buckets }: Histogram): number | undefined {
  const total = buckets.reduce((sum, one) => sum + one, 0);
  if (total === 0) return undefined;
  const rank = q * total;
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    const inside = buckets[i] ?? 0;
    if (inside > 0 && below + inside >= rank) {
      const lower = bounds[i - 1] ?? 0;
      return lower + ((bound - lower) * (rank - below)) / inside;
    }
    below += inside;
  }
  return bounds.at(-1);
}

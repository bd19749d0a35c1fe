import { type Histogram, histogramIn, histogramSize, observe } from './histogram.ts';

/** What was counted under one combination of label values. */
export interface Tallied<L extends string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly count: number;
  /** Of those that were counted with a duration. */
  readonly durations: Histogram;
}

/**
 * Counts events that are rare beside requests by a few labels; the values have to be few as well. Its functions may be
 * called without it.
 */
export interface Tally<L extends string> {
  /** Counts one, that took `ms` if that is known. */
  readonly add: (labels: Readonly<Record<L, string>>, ms?: number) => void;
  /** In the order of the first of each kind. No number ever goes down. */
  readonly read: () => Tallied<L>[];
}

/** The count stands before the histogram. */
const durationsAt = 1;

export function createTally<L extends string>(names: readonly L[]): Tally<L> {
  const rows = new Map<string, { labels: Readonly<Record<L, string>>; row: Float64Array }>();
  return {
    add(labels, ms) {
      const key = JSON.stringify(names.map((name) => labels[name]));
      let found = rows.get(key);
      if (found === undefined) {
        found = { labels, row: new Float64Array(durationsAt + histogramSize) };
        rows.set(key, found);
      }
      (found.row[0] as number) += 1;
      if (ms !== undefined) observe(found.row, durationsAt, ms);
    },
    read: () =>
      [...rows.values()].map(({ labels, row }) => ({
        labels,
        count: row[0] as number,
        durations: histogramIn(row, durationsAt),
      })),
  };
}

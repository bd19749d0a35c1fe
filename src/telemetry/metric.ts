import { bounds, type Histogram } from './histogram.ts';
import type { Tallied } from './tally.ts';

/** Label names and values. */
export type Labels = Readonly<Record<string, string>>;

/** One line of a scrape. */
export interface Sample {
  /** Labels it shares with samples near it; the same object for all of them is written faster. */
  readonly sharedLabels?: Labels;
  readonly labels?: Labels;
  /** With the suffix, where the line of a histogram has one. */
  readonly metricName?: string;
  readonly value: number;
}

/** A metric with all its samples. Names and units: https://prometheus.io/docs/practices/naming/. */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Read once. */
  readonly samples: Iterable<Sample>;
}

const seconds = [...bounds.map((ms) => String(ms / 1_000)), '+Inf'];

export function counter(name: string, help: string, samples: Iterable<Sample>): Metric {
  return { name, type: 'counter', help, samples };
}

/** `samples`: or the value of the only one. */
export function gauge(name: string, help: string, samples: Iterable<Sample> | number): Metric {
  return { name, type: 'gauge', help, samples: typeof samples === 'number' ? [{ value: samples }] : samples };
}

/** The only sample, or none. */
export function known(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ value }];
}

/** Of durations, in seconds. */
export function durations(
  name: string,
  help: string,
  of: Iterable<{ readonly labels: Labels; readonly durations: Histogram }>,
): Metric {
  return { name, type: 'histogram', help, samples: linesOf(name, of) };
}

/** What a tally has counted, a sample each. */
export function counted(tallied: readonly Tallied<string>[]): Sample[] {
  return tallied.map(({ labels, count }) => ({ labels, value: count }));
}

/** One for each value of a label, in their order. */
export function* byLabel(
  label: string,
  numbers: Readonly<Partial<Record<string, number>>>,
  sharedLabels: Labels = {},
): Generator<Sample> {
  for (const [value, number = 0] of Object.entries(numbers)) {
    yield { sharedLabels, labels: { [label]: value }, value: number };
  }
}

function* linesOf(
  name: string,
  of: Iterable<{ readonly labels: Labels; readonly durations: Histogram }>,
): Generator<Sample> {
  for (const { labels, durations } of of) {
    let below = 0;
    for (const [i, inside] of durations.buckets.entries()) {
      below += inside;
      const le = seconds[i] as string;
      yield { metricName: `${name}_bucket`, sharedLabels: labels, labels: { le }, value: below };
    }
    yield { metricName: `${name}_sum`, sharedLabels: labels, value: durations.sum / 1_000 };
    yield { metricName: `${name}_count`, sharedLabels: labels, value: below };
  }
}

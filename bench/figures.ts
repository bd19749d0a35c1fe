import type { ContenderFigures, Figure } from './results.ts';

/** One contender in one round. */
export interface Sample {
  readonly contender: string;
  readonly round: number;
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** CPU time of the proxy and its children for one request; undefined for `direct`. */
  readonly cpuMicros: number | undefined;
  /** Of the proxy and its children right after the load; undefined for `direct`. */
  readonly rssBytes: number | undefined;
}

/** The middle value, or the mean of the two middle ones, with the smallest and the largest. Throws when there are none. */
export function figure(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) throw new RangeError('a figure needs at least one value');
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
  return { median, low, high };
}

/**
 * One entry a contender, cheapest first, those without a cost before them. Ratios are taken within each round, so that a busy
 * machine cancels out.
 */
export function contenderFigures(samples: readonly Sample[], yardstick: string): ContenderFigures[] {
  const reference = new Map<number, number>();
  for (const { contender, round, cpuMicros } of samples)
    if (contender === yardstick && cpuMicros !== undefined) reference.set(round, cpuMicros);
  const ratio = ({ cpuMicros, round }: Sample) => {
    const base = reference.get(round);
    return cpuMicros === undefined || base === undefined ? undefined : cpuMicros / base;
  };
  return [...Map.groupBy(samples, ({ contender }) => contender)]
    .map(([contender, own]): ContenderFigures => {
      return {
        contender,
        ...optional('cpuMicros', own, (sample) => sample.cpuMicros),
        ...optional('ratio', own, ratio),
        perSecond: figure(own.map((sample) => sample.perSecond)),
        p50Micros: figure(own.map((sample) => sample.p50Micros)),
        p99Micros: figure(own.map((sample) => sample.p99Micros)),
        ...optional('rssBytes', own, (sample) => sample.rssBytes),
      };
    })
    .sort((a, b) => (a.cpuMicros?.median ?? 0) - (b.cpuMicros?.median ?? 0));
}

function optional<K extends string>(
  key: K,
  samples: readonly Sample[],
  pick: (sample: Sample) => number | undefined,
): { readonly [_ in K]?: Figure } {
  const values = samples.map(pick).filter((value) => value !== undefined);
  return values.length === 0 ? {} : ({ [key]: figure(values) } as { [_ in K]: Figure });
}

/** One contender in one round. */
export interface Sample {
  readonly contender: string;
  readonly round: number;
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** CPU time of the proxy process for one request; undefined for `direct`. */
  readonly cpuMicros: number | undefined;
  /** Of the proxy process right after the load; undefined for `direct`. */
  readonly rssBytes: number | undefined;
}

/** Medians over the rounds of one contender. */
export interface Row {
  readonly contender: string;
  readonly rounds: number;
  readonly cpuMicros: number | undefined;
  /** CPU per request as a multiple of the yardstick's. */
  readonly ratio: number | undefined;
  readonly perSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly rssBytes: number | undefined;
}

/** One row a contender, cheapest first. Ratios are medians of the ratios within each round, so that a busy machine cancels out. */
export function rows(samples: readonly Sample[], yardstick: string): Row[] {
  const names = [...new Set(samples.map(({ contender }) => contender))];
  const reference = new Map<number, number | undefined>();
  for (const { contender, round, cpuMicros } of samples)
    if (contender === yardstick) reference.set(round, cpuMicros);
  const made = names.map((contender): Row => {
    const own = samples.filter((sample) => sample.contender === contender);
    const all = (pick: (sample: Sample) => number | undefined) => median(own.map(pick));
    return {
      contender,
      rounds: own.length,
      cpuMicros: all(({ cpuMicros }) => cpuMicros),
      ratio: all(({ cpuMicros, round }) => {
        const base = reference.get(round);
        return cpuMicros === undefined || base === undefined ? undefined : cpuMicros / base;
      }),
      perSecond: all(({ perSecond }) => perSecond) as number,
      p50Micros: all(({ p50Micros }) => p50Micros) as number,
      p99Micros: all(({ p99Micros }) => p99Micros) as number,
      rssBytes: all(({ rssBytes }) => rssBytes),
    };
  });
  return made.sort((a, b) => (a.cpuMicros ?? 0) - (b.cpuMicros ?? 0));
}

/** The middle value, or the mean of the two middle ones; undefined values are left out. */
export function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return undefined;
  return ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}

/** The rows as a Markdown table. */
export function markdown(made: readonly Row[]): string {
  const number = (value: number | undefined, digits = 0) =>
    value === undefined ? '' : value.toFixed(digits);
  const cells = made.map((row) => [
    row.contender,
    number(row.cpuMicros),
    number(row.ratio, 2),
    number(row.perSecond),
    number(row.p50Micros / 1000, 2),
    number(row.p99Micros / 1000, 2),
    number(row.rssBytes === undefined ? undefined : row.rssBytes / 2 ** 20),
  ]);
  const head = ['contender', 'CPU µs/request', '× bare', 'requests/s', 'p50 ms', 'p99 ms', 'RSS MiB'];
  const width = head.map((title, i) =>
    Math.max(title.length, ...cells.map((row) => (row[i] as string).length)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(width[i] as number) : cell.padStart(width[i] as number))).join(' | ')} |`;
  const rule = width.map((size, i) => (i === 0 ? '-'.repeat(size) : `${'-'.repeat(size - 1)}:`));
  return `${[line(head), line(rule), ...cells.map(line)].join('\n')}\n`;
}

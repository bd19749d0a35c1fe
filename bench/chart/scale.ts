/** Where a value stands in px, and the values that are labelled. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Pixels from `start` to `end`; `end` may be the smaller. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Room beyond the outermost values: the logarithm of 1.08. */
const edge = Math.log(1.08);

/** A logarithmic scale for ratios that shows 1 and all `values`, which must be above 0. */
export function ratioScale(values: readonly number[], { start, end }: Span): Scale {
  const low = Math.log(values.reduce((a, b) => Math.min(a, b), 0.5)) - edge;
  const high = Math.log(values.reduce((a, b) => Math.max(a, b), 2)) + edge;
  const at = (value: number) => start + ((Math.log(value) - low) / (high - low)) * (end - start);
  const powers = Array.from({ length: 40 }, (_, i) => Math.ceil(i / 2) * (i % 2 === 0 ? 1 : -1));
  const wanted = [
    ...powers.map((power) => 10 ** power),
    ...powers.flatMap((p) => [5 * 10 ** p, 2 * 10 ** p]),
  ];
  const inside = wanted.filter((tick) => Math.log(tick) >= low && Math.log(tick) <= high);
  return { at, ticks: spaced(inside, at, 34) };
}

/** A linear scale from 0 that shows at least 2 and all `values`: what stays at 1 stays in the middle. */
export function fromZero(values: readonly number[], { start, end }: Span): Scale {
  const most = values.reduce((a, b) => Math.max(a, b), 2);
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const steps = Math.ceil(most / step - 1e-9);
  const at = (value: number) => start + (value / (steps * step)) * (end - start);
  const ticks = Array.from({ length: steps + 1 }, (_, i) => Number((i * step).toPrecision(6)));
  return { at, ticks };
}

/**
 * A logarithmic scale for quantities that labels the `values` themselves, at least `apart` px from each other, the last
 * one always. Zero stands one step (a tenth) below the smallest that is above it.
 */
export function quantityScale(values: readonly number[], { start, end }: Span, apart: number): Scale {
  const least = values.reduce((a, b) => (b > 0 ? Math.min(a, b) : a), Number.MAX_VALUE);
  const log = (value: number) => (value > 0 ? Math.log(value) : Math.log(least) - Math.LN10);
  const logs = values.map(log);
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const at = (value: number) =>
    high > low ? start + ((log(value) - low) / (high - low)) * (end - start) : (start + end) / 2;
  const sorted = values.toSorted((a, b) => a - b);
  return { at, ticks: spaced([...sorted.slice(-1), ...sorted.slice(0, -1)], at, apart) };
}

/** Of `wanted`, in this order, those that leave `apart` px to the ones taken before. */
function spaced(wanted: readonly number[], at: (value: number) => number, apart: number): number[] {
  const taken: number[] = [];
  for (const value of wanted)
    if (taken.every((other) => Math.abs(at(other) - at(value)) >= apart)) taken.push(value);
  return taken.sort((a, b) => a - b);
}

import type { ContenderFigures, Figure } from './results.ts';

const ours = 'cupbearer';

/** Whether the contender is Cupbearer, as it ships or set up for the scenario: `cupbearer, 10,000 routes`. */
export function isOurs(contender: string): boolean {
  return contender === ours || contender.startsWith(`${ours}, `);
}

/** Cupbearer's figures in a scenario: those of the set-up that the scenario is about, else as it ships. */
export function oursIn(contenders: readonly ContenderFigures[]): ContenderFigures | undefined {
  const own = contenders.filter(({ contender }) => isOurs(contender));
  return own.find(({ contender }) => contender !== ours) ?? own[0];
}

/** The scenario that stands for all the others where there is room for one. */
export const headline = '1KiB-64';

/** What stands where nothing was measured. */
export const nothing = '–';

/** The number with `digits` decimals; a dash when there is none. */
export function decimal(value: number | undefined, digits = 0): string {
  return value !== undefined && Number.isFinite(value) ? value.toFixed(digits) : nothing;
}

/** A ratio in at most four signs while it is below 10,000: `0.56`, `12.3`, `120`. */
export function ratioText(value: number): string {
  return decimal(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/** The figure when each of its numbers is one. */
export function known(figure: Figure | undefined): Figure | undefined {
  if (figure === undefined) return undefined;
  return [figure.median, figure.low, figure.high].every(Number.isFinite) ? figure : undefined;
}

/** `1.06 (1.02–1.11)`: the median with the lowest and the highest round. */
export function spread(figure: Figure | undefined, digits = 2): string {
  const all = known(figure);
  if (all === undefined) return nothing;
  return `${decimal(all.median, digits)} (${decimal(all.low, digits)}${nothing}${decimal(all.high, digits)})`;
}

/** Cheapest first: who is no proxy, then by ratio, then who has none. */
export function cheapestFirst(contenders: readonly ContenderFigures[]): ContenderFigures[] {
  const rank = ({ ratio, cpuMicros }: ContenderFigures): number =>
    known(ratio)?.median ?? (cpuMicros === undefined ? Number.NEGATIVE_INFINITY : Number.MAX_VALUE);
  return contenders.toSorted((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
}

/** `512 B`, `64 KiB`, `1.5 MiB`. */
function bytes(count: number): string {
  if (!Number.isFinite(count)) return nothing;
  const step = Math.min(3, Math.max(0, Math.floor(Math.log2(Math.abs(count) || 1) / 10)));
  return `${trimmed(count / 2 ** (10 * step))} ${['B', 'KiB', 'MiB', 'GiB'][step]}`;
}

/** `1`, `250`, `10k`, `4,096`, `1M`: short enough for an axis, and never rounded below 100,000. */
function short(count: number): string {
  if (!Number.isFinite(count)) return nothing;
  if (Math.abs(count) >= 1e6) return `${trimmed(count / 1e6)}M`;
  const thousands = count / 1e3;
  if (Math.abs(thousands) >= 1) {
    const exact = Number(thousands.toPrecision(3)) === thousands || Math.abs(thousands) >= 100;
    return exact ? `${trimmed(thousands)}k` : Math.round(count).toLocaleString('en');
  }
  return trimmed(count);
}

/** A quantity as its series counts it: bytes in binary units, all else as a short number. */
export function quantity(count: number, what: string): string {
  return /\bbytes\b/i.test(what) ? bytes(count) : short(count);
}

/** Three significant digits at most, but no digit before the point is lost; no zeros at the end. */
function trimmed(value: number): string {
  if (Math.abs(value) >= 1e15) return value.toExponential(0);
  return String(Number(Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)));
}

import { decimal, known, nothing, oursIn, spread } from './format.ts';
import type { Figure, Results } from './results.ts';

/** Cupbearer's cost on record: `bench/baseline.json`. */
export interface Baseline {
  /** By what part a ratio may rise before it is a regression: 0.1 is 10 %. */
  readonly tolerance: number;
  /** Cupbearer's CPU time a request, divided by bare's in the same round; median of the rounds, by scenario. */
  readonly ratios: Readonly<Record<string, number>>;
}

/** `unclear`: the median says regression, one of the rounds says not. It passes, as `better` and `no baseline` do. */
export type Verdict = 'ok' | 'better' | 'unclear' | 'regression' | 'not measured' | 'no baseline';

/** One scenario, compared. */
export interface CheckLine {
  readonly scenario: string;
  readonly verdict: Verdict;
  readonly measured?: Figure;
  readonly baseline?: number;
  /** The highest median that is no regression. */
  readonly limit?: number;
}

export interface CheckReport {
  /** False when a scenario got dearer, when one of the baseline was not measured, or when nothing was compared. */
  readonly ok: boolean;
  readonly lines: readonly CheckLine[];
  /** For a terminal: a line a scenario, then what to do. */
  readonly text: string;
}

/** What `--check` runs: the headline, long answers, bodies of requests, TLS, and a long route table. */
export const checkScenarios: readonly string[] = ['1KiB-64', '64KiB', 'POST-16KiB', 'TLS', 'routes-10000'];

/**
 * The tolerance of a new baseline. With rounds that vary by 5 % (standard deviation), 3 to 5 of them, one scenario raises a
 * false alarm in fewer than 1 of 100 runs and a rise by 20 % is seen in more than 95 of 100.
 */
const usualTolerance = 0.1;

/**
 * Compares Cupbearer with its baseline. A median above baseline × (1 + tolerance) is a regression, unless a round was within
 * half of the tolerance and the median within twice of it: a disturbed machine makes some rounds dearer, a slower program
 * makes all of them dearer. Scenarios that are not wanted may be missing from the results.
 */
export function check(
  results: Results,
  baseline: Baseline,
  isWanted: (scenario: string) => boolean = () => true,
): CheckReport {
  const measured = measuredRatios(results);
  const names = new Set([...Object.keys(baseline.ratios).filter(isWanted), ...measured.keys()]);
  const lines = [...names].map((name) => compared(name, measured.get(name), baseline));
  const failed = lines.filter(({ verdict }) => verdict === 'regression' || verdict === 'not measured');
  const ok = failed.length === 0 && lines.some(({ verdict }) => verdict !== 'no baseline');
  return { ok, lines, text: text(lines, ok) };
}

/** The baseline that these results would be: the scenarios of `--check` that were measured. */
export function baselineOf(results: Results, tolerance: number = usualTolerance): Baseline {
  const measured = measuredRatios(results);
  const ratios = checkScenarios.flatMap((name) => {
    const figure = measured.get(name);
    return figure === undefined ? [] : [[name, Number(figure.median.toFixed(3))] as const];
  });
  return { tolerance, ratios: Object.fromEntries(ratios) };
}

/** Reads `baseline.json`. Throws a TypeError when it is no baseline: a limit that is no number would let everything pass. */
export function parseBaseline(json: string): Baseline {
  const read = JSON.parse(json) as Partial<Baseline> | null;
  const isPositive = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value > 0;
  if (!isPositive(read?.tolerance)) throw new TypeError('baseline: tolerance must be a number above 0');
  const ratios = read?.ratios;
  if (typeof ratios !== 'object' || ratios === null || Array.isArray(ratios))
    throw new TypeError('baseline: ratios must be an object');
  for (const [name, ratio] of Object.entries(ratios))
    if (!isPositive(ratio)) throw new TypeError(`baseline: the ratio of ${name} must be a number above 0`);
  return read as Baseline;
}

function measuredRatios({ scenarios }: Results): Map<string, Figure> {
  const found = new Map<string, Figure>();
  for (const { name, contenders } of scenarios) {
    const ratio = known(oursIn(contenders)?.ratio);
    if (ratio !== undefined) found.set(name, ratio);
  }
  return found;
}

function compared(
  scenario: string,
  measured: Figure | undefined,
  { tolerance, ratios }: Baseline,
): CheckLine {
  const baseline = Object.hasOwn(ratios, scenario) ? ratios[scenario] : undefined;
  if (baseline === undefined)
    return { scenario, verdict: 'no baseline', ...(measured === undefined ? {} : { measured }) };
  const limit = baseline * (1 + tolerance);
  if (measured === undefined) return { scenario, verdict: 'not measured', baseline, limit };
  return { scenario, verdict: verdict(measured, baseline, tolerance), measured, baseline, limit };
}

function verdict({ median, low, high }: Figure, baseline: number, tolerance: number): Verdict {
  if (median > baseline * (1 + tolerance)) {
    const isSure = low > baseline * (1 + tolerance / 2) || median > baseline * (1 + 2 * tolerance);
    return isSure ? 'regression' : 'unclear';
  }
  return median < baseline * (1 - tolerance) && high < baseline * (1 - tolerance / 2) ? 'better' : 'ok';
}

function text(lines: readonly CheckLine[], ok: boolean): string {
  const cells = lines.map(({ scenario, measured, baseline, limit, verdict: word }) => [
    scenario,
    spread(measured),
    baseline === undefined ? nothing : decimal(baseline, 2),
    limit === undefined ? nothing : decimal(limit, 2),
    word === 'regression' || word === 'not measured' ? word.toUpperCase() : word,
  ]);
  const all = [['scenario', '× bare (rounds)', 'baseline', 'limit', ''], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const table = all.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${[...table, '', ...advice(lines, ok)].join('\n')}\n`;
}

function advice(lines: readonly CheckLine[], ok: boolean): string[] {
  const having = (wanted: Verdict) =>
    lines.filter((line) => line.verdict === wanted).map(({ scenario }) => scenario);
  const said: string[] = [];
  const say = (names: readonly string[], what: string) => {
    if (names.length > 0) said.push(`${names.join(', ')}: ${what}`);
  };
  say(having('regression'), 'dearer than the baseline by more than the tolerance');
  say(having('not measured'), 'in the baseline, but not measured');
  say(
    having('unclear'),
    'the median is above the limit, but not every round is dearer: run again with nothing else running',
  );
  say(having('better'), 'the baseline can be lowered: npm run bench -- --update-baseline');
  say(having('no baseline'), 'not in the baseline, not compared');
  if (lines.every(({ verdict: word }) => word === 'no baseline'))
    said.push('nothing to compare with: npm run bench -- --update-baseline');
  return [...said, ok ? 'no regression' : 'check failed'];
}

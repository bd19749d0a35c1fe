/** One test of a run. */
export interface CaseTest {
  /** Title of its outermost `describe`. */
  readonly suite: string;
  readonly title: string;
  readonly passed: boolean;
}

/** A group of cases and how its tests did. */
export interface GroupCount {
  readonly letter: string;
  readonly name: string;
  /** Cases of the group that have a test. */
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  /** Cases that should have a test and have none. */
  readonly missing: readonly string[];
}

/** The cases of each group, as numbers and ranges. */
const groups: readonly (readonly [letter: string, name: string, cases: string])[] = [
  ['P', 'path and target', '1 3 4 6 7 9-11 13 14 16 17 19-21 23 24 26 27 29-31 33 36 37 39-41'],
  ['C', 'fields', '1-3 5 6 8-10 12 13 15 16 18-20 22'],
  ['F', 'framing and smuggling', '1 3-6 8-25 31 32 34-37'],
  ['H', 'heads, methods, versions', '1-8 10-17 21-24'],
  ['B', 'browsers and callers', '1-4 6-9 11-13 15 16 18 19'],
  ['U', 'upgrade and WebSocket', '1-6 8 9'],
  ['R', 'answers and upstream faults', '2-12 14-16 21-25 27 28 30 31 34-36'],
  ['A', '401, retry and tokens', '1 3-6 8 9 11-14 16 17 19 20'],
  ['K', 'connections and pools', '2-6 8'],
  ['S', 'server-side request forgery', '1 4 5 9-11'],
  ['D', 'exhaustion', '5-7 10 13 14'],
  ['L', 'secrets and logs', '1 3 4 6 7 9 10'],
];

/**
 * Counts the tests of each group. A test is for the cases named at the start of its title or of its suite's: `F8`, `A14`,
 * `C: `; the title goes first.
 */
export function countGroups(tests: readonly CaseTest[]): GroupCount[] {
  return groups.map(([letter, name, ranges]) => {
    const own = tests.filter((test) => letterOf(test) === letter);
    const ids = new RegExp(`\\b${letter}\\d+\\b`, 'g');
    const seen = new Set(own.flatMap(({ suite, title }) => `${suite} ${title}`.match(ids) ?? []));
    const passed = own.filter((test) => test.passed).length;
    const missing = expand(ranges).filter((id) => !seen.has(`${letter}${id}`));
    return {
      letter,
      name,
      cases: seen.size,
      passed,
      failed: own.length - passed,
      missing: missing.map((id) => `${letter}${id}`),
    };
  });
}

function letterOf({ suite, title }: CaseTest): string | undefined {
  return /^([A-Z])\d+\b/.exec(title)?.[1] ?? /^([A-Z])(?:\d+\b|:)/.exec(suite)?.[1];
}

function expand(ranges: string): number[] {
  return ranges.split(' ').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** The counts as aligned lines with their sum. */
export function table(counts: readonly GroupCount[]): string {
  const sum = (of: (count: GroupCount) => number) => counts.reduce((total, count) => total + of(count), 0);
  const rows = [
    ['group', 'cases', 'tests', 'passed', 'failed'],
    ...counts.map(({ letter, name, cases, passed, failed }) => [
      `${letter} ${name}`,
      cases,
      passed + failed,
      passed,
      failed,
    ]),
    ['all', sum((c) => c.cases), sum((c) => c.passed + c.failed), sum((c) => c.passed), sum((c) => c.failed)],
  ].map((row) => row.map(String));
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  const missing = counts.flatMap((count) => count.missing);
  if (missing.length > 0) lines.push('', `without a test: ${missing.join(' ')}`);
  return `${lines.join('\n')}\n`;
}

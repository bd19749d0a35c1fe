import type { Tally } from './kinds.ts';
import type { Trend } from './sampling.ts';

/** One thing that must hold. */
export interface Check {
  readonly what: string;
  readonly holds: boolean;
  readonly found: string;
}

/** Prints what a soak has found; gives whether every check holds. */
export function report(
  tally: Tally,
  trends: Readonly<Record<string, Trend>>,
  checks: readonly Check[],
): boolean {
  const lines: string[] = ['', `${'kind'.padEnd(34)}outcomes`];
  for (const [kind, outcomes] of [...tally.counts].sort(([a], [b]) => a.localeCompare(b))) {
    const text = [...outcomes].map(([outcome, count]) => `${outcome}: ${count}`).join(', ');
    lines.push(`${kind.padEnd(34)}${text}`);
  }
  lines.push(
    '',
    `${'after warm-up'.padEnd(14)}${['first', 'median', 'last', 'a minute'].map((one) => one.padStart(10)).join('')}`,
  );
  for (const [name, { first, median, last, slope }] of Object.entries(trends)) {
    const numbers = [first.toFixed(1), median.toFixed(1), last.toFixed(1), slope.toFixed(2)];
    lines.push(`${name.padEnd(14)}${numbers.map((one) => one.padStart(10)).join('')}`);
  }
  lines.push('', `calls: ${tally.total}, left out because too many were under way: ${tally.skipped}`, '');
  for (const { what, holds, found } of checks)
    lines.push(`${holds ? 'ok    ' : 'FAILED'}  ${what}: ${found}`);
  if (tally.details.length > 0)
    lines.push('', 'errors that were not injected:', ...tally.details.map((one) => `  ${one}`));
  console.log(lines.join('\n'));
  return checks.every(({ holds }) => holds);
}

import { cheapestFirst, decimal, headline, isOurs, known, quantity, spread } from './format.ts';
import type { ContenderFigures, Figure, Growth, Results, ScenarioResult, Target } from './results.ts';

/** The scenarios of the project's README, in its order. */
const mainScenarios = [headline, '64KiB', '10MiB', 'POST-16KiB', 'TLS', '1KiB-512'];

/** The whole run as Markdown: the machine, a table a scenario (cheapest first), the targets, a table a growth series. */
export function markdown(results: Results): string {
  const parts = [
    head(results),
    ...results.scenarios.map(scenarioPart),
    ...(results.targets.length === 0 ? [] : [targetsPart(results.targets)]),
    ...results.growth.map(growthPart),
  ];
  return `${parts.join('\n\n')}\n`;
}

/**
 * The ratios of the main scenarios side by side, a row a contender, the headline with its spread: for the project's README.
 * Says so when no main scenario was measured.
 */
export function summary({ scenarios }: Results): string {
  const columns = mainScenarios
    .map((name) => scenarios.find((scenario) => scenario.name === name))
    .filter((scenario) => scenario !== undefined);
  const order = columns
    .flatMap(({ contenders }) => cheapestFirst(contenders))
    .filter(({ ratio }) => known(ratio));
  const names = [...new Set(order.map(({ contender }) => contender))];
  if (names.length === 0) return 'No ratio was measured.\n';
  const rows = names.map((name) => {
    const cells = columns.map((column) => summaryCell(column, name));
    return (isOurs(name) ? [name, ...cells].map((cell) => `**${cell}**`) : [name, ...cells]).map(escaped);
  });
  const titles = columns.map(({ name, title }) => `${name}: ${title}`);
  return `${table(['× bare', ...columns.map(({ name }) => name)], rows)}\n\n${escaped(titles.join('; '))}.\n`;
}

function summaryCell({ name, contenders }: ScenarioResult, who: string): string {
  const ratio = known(contenders.find(({ contender }) => contender === who)?.ratio);
  return name === headline ? spread(ratio) : decimal(ratio?.median, 2);
}

function head({ machine, node, load, peers }: Results): string {
  const line = `${machine}, Node ${node}, load by ${load}`;
  return escaped(line) + (peers.length === 0 ? '' : `\n\nPeers: ${escaped(peers.join(', '))}`);
}

function scenarioPart(scenario: ScenarioResult): string {
  const { name, title, rounds, seconds, contenders, leftOut = [] } = scenario;
  const figures = cheapestFirst(contenders).map(contenderRow);
  const titles = ['contender', 'CPU µs/request', '× bare', 'requests/s', 'p50 ms', 'p99 ms', 'RSS MiB'];
  return [
    `## ${escaped(title)}`,
    escaped(
      `${name}: ${rounds} rounds of ${seconds} s; medians, × bare with the lowest and the highest round.`,
    ),
    table(titles, figures),
    ...leftOut.map((why) => escaped(`Left out: ${why}`)),
  ].join('\n\n');
}

function contenderRow(row: ContenderFigures): string[] {
  const cost = row.cpuMicros?.median;
  return [
    escaped(row.contender),
    decimal(cost, cost !== undefined && cost < 10 ? 1 : 0),
    spread(row.ratio),
    decimal(row.perSecond.median),
    decimal(row.p50Micros.median / 1000, 2),
    decimal(row.p99Micros.median / 1000, 2),
    mebibytes(row.rssBytes?.median),
  ];
}

function targetsPart(targets: readonly Target[]): string {
  const rows = targets.map(({ name, budget, measured, met }) =>
    [name, budget, measured, met ? 'yes' : '**NO**'].map(escaped),
  );
  return `## Targets\n\n${table(['what', 'budget', 'measured', 'met'], rows, 4)}`;
}

function growthPart({ name, quantity: what, unit, points }: Growth): string {
  const digits = (cost: Figure) => (cost.median < 10 ? 2 : 1);
  const rows = points.map((point) => [
    quantity(point.quantity, what),
    spread(point.cost, digits(point.cost)),
    decimal(point.ratio, 2),
    mebibytes(point.rssBytes),
  ]);
  return `## Growth: ${escaped(name)}\n\n${table([what, unit, '× first', 'RSS MiB'].map(escaped), rows)}`;
}

function mebibytes(count: number | undefined): string {
  return decimal(count === undefined ? undefined : count / 2 ** 20);
}

/** A Markdown table whose source lines up: the first `texts` columns to the left, the others to the right. */
function table(titles: readonly string[], rows: readonly (readonly string[])[], texts = 1): string {
  const width = titles.map((title, i) =>
    Math.max(title.length, 3, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const padded = (cell: string, i: number) =>
    i < texts ? cell.padEnd(width[i] ?? 0) : cell.padStart(width[i] ?? 0);
  const line = (row: readonly string[]) => `| ${row.map(padded).join(' | ')} |`;
  const rule = width.map((size, i) => (i < texts ? '-'.repeat(size) : `${'-'.repeat(size - 1)}:`));
  return [line(titles), line(rule), ...rows.map(line)].join('\n');
}

/** Text that stays in its line and its cell, and is no HTML. */
function escaped(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replaceAll('\\', '\\\\')
    .replaceAll('|', '\\|')
    .replace(/<(?=[a-z/!?])/gi, '&lt;');
}

import { cheapestFirst, headline, isOurs, known, nothing, ratioText, spread } from '../format.ts';
import type { Figure, Results, ScenarioResult } from '../results.ts';
import { ratioScale } from './scale.ts';
import { document, element, head, label, line, margin, shortened, textWidth, width, words } from './svg.ts';

interface Bar {
  readonly contender: string;
  readonly ratio: Figure;
}

interface Panel {
  readonly name: string;
  readonly title: string;
  readonly bars: readonly Bar[];
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Height of a bar with its gap. */
  readonly row: number;
  /** Whether there is room for lowest and highest round as numbers. */
  readonly spreads: boolean;
}

const between = 30;
const title = 'CPU time of the proxy for one request, as a multiple of bare node:http + undici';

/**
 * Draws each contender's ratio to bare as SVG: the headline large, the other scenarios small below it, all on one
 * logarithmic axis. Bars begin at bare = 1, so that the cheaper reach to the left and the dearer to the right.
 */
export function scenarioChart({ scenarios, machine, node, load }: Results): string {
  const panels = scenarios.map(toPanel).filter(({ bars }) => bars.length > 0);
  const values = panels.flatMap(({ bars }) =>
    bars.flatMap(({ ratio: { median, low, high } }) => [median, low, high]),
  );
  const content = head(
    title,
    'Bars begin at bare = 1: the further to the left, the cheaper. Logarithmic scale.',
    `Medians of the rounds; whiskers: lowest and highest round. ${machine}, Node ${node}, load by ${load}`,
  );
  const first = panels.find(({ name }) => name === headline) ?? panels[0];
  let y = 88;
  if (first === undefined) {
    y += 20;
    content.push(label(margin, y, 'No ratio was measured.'));
  } else {
    content.push(drawn(first, { x: margin, y, width: width - 2 * margin, row: 22, spreads: true }, values));
    y += panelHeight(first, 22);
  }
  const half = (width - 2 * margin - between) / 2;
  const others = panels.filter((panel) => panel !== first);
  for (let i = 0; i < others.length; i += 2) {
    const pair = others.slice(i, i + 2);
    y += 20;
    for (const [column, panel] of pair.entries()) {
      const x = margin + column * (half + between);
      content.push(drawn(panel, { x, y, width: half, row: 18, spreads: false }, values));
    }
    y += Math.max(...pair.map((panel) => panelHeight(panel, 18)));
  }
  return document({ title, description: panels.map(described).join(' '), height: y + margin, content });
}

function toPanel({ name, title: heading, contenders }: ScenarioResult): Panel {
  const bars = cheapestFirst(contenders).flatMap(({ contender, ratio: figure }) => {
    const ratio = known(figure);
    const isPositive = ratio !== undefined && Math.min(ratio.median, ratio.low, ratio.high) > 0;
    return isPositive ? [{ contender, ratio }] : [];
  });
  return { name, title: heading, bars };
}

function described({ title: heading, bars }: Panel): string {
  return `${heading}: ${bars.map(({ contender, ratio }) => `${contender} ${spread(ratio)}`).join(', ')}.`;
}

const titleHeight = 26;
const axisHeight = 22;

function panelHeight({ bars }: Panel, row: number): number {
  return titleHeight + bars.length * row + axisHeight;
}

function drawn({ name, title: heading, bars }: Panel, place: Place, values: readonly number[]): string {
  const { x, y, width: whole, row, spreads } = place;
  const names = Math.min(spreads ? 220 : 170, Math.max(...bars.map(({ contender }) => textWidth(contender))));
  const numbers = spreads ? 118 : 44;
  const scale = ratioScale(values, { start: x + names + 10, end: x + whole - numbers - 6 });
  const top = y + titleHeight;
  const bottom = top + bars.length * row;
  const shortName = shortened(name, whole / 2);
  const parts = [
    label(x, y + 14, shortened(heading, whole - 10 - textWidth(shortName), 12.6), { class: 'strong' }),
    label(x + whole, y + 14, shortName, { class: 'quiet end' }),
    ...bars.flatMap(({ contender }, i) =>
      isOurs(contender)
        ? [
            element('rect', {
              x: x - 6,
              y: top + i * row,
              width: whole + 12,
              height: row,
              rx: 3,
              class: 'band',
            }),
          ]
        : [],
    ),
    ...scale.ticks.flatMap((tick) => [
      line(scale.at(tick), top, scale.at(tick), bottom + 4, tick === 1 ? 'one' : 'grid'),
      label(scale.at(tick), bottom + 17, String(Number(tick.toPrecision(1))), {
        class: 'quiet middle number',
      }),
    ]),
    ...bars.map((bar, i) => drawnBar(bar, top + i * row, place, names, scale.at)),
  ];
  return element('g', {}, ...parts.map((part) => `\n${part}`));
}

function drawnBar(
  { contender, ratio: { median, low, high } }: Bar,
  top: number,
  { x, width: whole, row, spreads }: Place,
  names: number,
  at: (ratio: number) => number,
): string {
  const highlit = isOurs(contender);
  const middle = top + row / 2;
  const thick = row - 8;
  const [left, right] = [Math.min(at(median), at(1)), Math.max(at(median), at(1))];
  const strong = highlit ? 'strong ours' : '';
  const end = x + whole;
  return element(
    'g',
    {},
    element('title', {}, words(`${contender}: ${spread({ median, low, high })}`)),
    label(x, middle + 4, shortened(contender, names), { class: strong }),
    element('rect', {
      x: Math.min(left, at(1) - 1),
      y: middle - thick / 2,
      width: Math.max(right - left, 2),
      height: thick,
      class: highlit ? 'ours' : 'bar',
    }),
    line(at(low), middle, at(high), middle, 'whisker'),
    line(at(low), middle - 3, at(low), middle + 3, 'whisker'),
    line(at(high), middle - 3, at(high), middle + 3, 'whisker'),
    label(spreads ? end - 72 : end, middle + 4, ratioText(median), { class: `${strong} number end` }),
    ...(spreads
      ? [label(end, middle + 4, ratioText(low) + nothing + ratioText(high), { class: 'quiet number end' })]
      : []),
  );
}

import { decimal, quantity } from '../format.ts';
import type { Growth, GrowthPoint, Results } from '../results.ts';
import { fromZero, quantityScale } from './scale.ts';
import { document, element, head, label, line, margin, shortened, textWidth, width, words } from './svg.ts';

/** A point with its whiskers as ratios to the first point. */
interface Point {
  readonly quantity: number;
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly rssBytes: number;
}

const title = 'What a request costs as one quantity grows';
const between = 30;
const panelWidth = (width - 2 * margin - between) / 2;
const panelHeight = 230;
const top = 90;
/** Beyond it is no cost and no quantity, and sums overflow. */
const most = 1e100;

/**
 * Draws a panel for each growth series as SVG: the cost as a multiple of that at the first point, from zero up and never
 * to less than 2, so that what is flat is seen as flat; the quantity on a logarithmic axis; memory at both ends.
 */
export function growthChart({ growth, machine, node }: Results): string {
  const series = growth.map((each) => ({ ...each, points: each.points.flatMap(toPoint) }));
  const drawable = series.filter(({ points }) => points.length > 0);
  const rows = Math.ceil(drawable.length / 2);
  const content = [
    ...head(
      title,
      'As a multiple of the first point, from zero up: what does not grow stays at 1.',
      `Medians; whiskers: lowest and highest round. ${machine}, Node ${node}`,
    ),
    ...drawable.map((each, i) =>
      panel(each, margin + (i % 2) * (panelWidth + between), top + Math.floor(i / 2) * panelHeight),
    ),
    ...(rows === 0 ? [label(margin, top + 18, 'No series was measured.')] : []),
  ];
  const height = top + Math.max(rows * panelHeight, 30) + margin - 10;
  return document({ title, description: drawable.map(described).join(' '), height, content });
}

type Series = Omit<Growth, 'points'> & { readonly points: readonly Point[] };

function toPoint({ quantity: count, cost, ratio, rssBytes }: GrowthPoint): Point[] {
  const [low, high] = [cost.low, cost.high].map((bound) => (bound / cost.median) * ratio) as [number, number];
  const point = { quantity: count, ratio, low, high, rssBytes };
  const isKnown = [count, ratio, low, high].every((value) => value >= 0 && value < most);
  return isKnown ? [point] : [];
}

function described({ name, quantity: what, points }: Series): string {
  const said = points.map(({ quantity: count, ratio }) => `${quantity(count, what)} ${decimal(ratio, 2)}`);
  return `${name}, × first by ${what}: ${said.join(', ')}.`;
}

function panel({ name, quantity: what, unit, points }: Series, x: number, y: number): string {
  const [left, right] = [x + 34, x + panelWidth];
  const [upper, lower] = [y + 42, y + panelHeight - 58];
  const counts = points.map((point) => point.quantity);
  const widest = Math.max(...counts.map((count) => textWidth(quantity(count, what))));
  const across = quantityScale(counts, { start: left + 14, end: right - 22 }, widest + 8);
  const up = fromZero(
    points.flatMap(({ ratio, low, high }) => [ratio, low, high]),
    { start: lower, end: upper },
  );
  const parts = [
    element(
      'text',
      { x, y: y + 14 },
      element('tspan', { class: 'strong' }, words(shortened(name, panelWidth / 2 - 20, 13))),
      element('tspan', { class: 'quiet', dx: 10 }, words(shortened(`${unit}, × first`, panelWidth / 2))),
    ),
    ...up.ticks.flatMap((tick) => [
      line(left, up.at(tick), right, up.at(tick), 'grid'),
      label(left - 6, up.at(tick) + 4, String(tick), { class: 'quiet number end' }),
    ]),
    line(left, up.at(1), right, up.at(1), 'one'),
    ...across.ticks.map((tick) =>
      label(across.at(tick), lower + 17, quantity(tick, what), { class: 'quiet middle number' }),
    ),
    label((left + right) / 2, lower + 35, shortened(what, right - left), { class: 'middle' }),
    ...memory(points, across.at, y + 34),
    curve(points, across.at, up.at),
  ];
  return element('g', {}, ...parts.map((part) => `\n${part}`));
}

function memory(points: readonly Point[], at: (count: number) => number, y: number): string[] {
  const said = ({ rssBytes }: Point) => `${decimal(rssBytes / 2 ** 20)} MiB`;
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return [];
  const start = label(at(first.quantity) - 6, y, `RSS ${said(first)}`, { class: 'quiet number' });
  if (at(last.quantity) - at(first.quantity) < 160) return [start];
  return [start, label(at(last.quantity) + 6, y, `RSS ${said(last)}`, { class: 'quiet number end' })];
}

function curve(points: readonly Point[], x: (count: number) => number, y: (ratio: number) => number): string {
  const places = points.map((point) => ({ at: x(point.quantity), ...point }));
  const path = places.map(({ at, ratio }) => `${at.toFixed(1)},${y(ratio).toFixed(1)}`).join(' ');
  const marks = places.flatMap(({ at, ratio, low, high }) => [
    line(at, y(low), at, y(high), 'whisker'),
    line(at - 5, y(low), at + 5, y(low), 'whisker'),
    line(at - 5, y(high), at + 5, y(high), 'whisker'),
    element('circle', { cx: at, cy: y(ratio), r: 3, class: 'ours' }),
  ]);
  return element('g', {}, element('polyline', { points: path, class: 'path' }), ...marks);
}

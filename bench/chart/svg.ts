/** Attributes of an element; numbers are rounded to a tenth of a pixel. */
export type Attributes = Readonly<Record<string, string | number>>;

/** An element as text. `children` are elements already, or come from {@link words}. */
export function element(name: string, attributes: Attributes = {}, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`);
  const open = `<${name}${written.join('')}`;
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('')}</${name}>`;
}

/** Text for an element or an attribute; characters that XML 1.0 §2.2 does not allow become U+FFFD. */
export function words(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** A line of text with its baseline at `y`. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, words(text));
}

/** A straight line. */
export function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return element('line', { x1, y1, x2, y2, class: kind });
}

/** Width of `text` in px at `size` px: an estimate after DejaVu Sans, which is wider than most sans-serif fonts. */
export function textWidth(text: string, size = 12): number {
  let ems = 0;
  for (const sign of text) ems += emsOf(sign);
  return ems * size;
}

function emsOf(sign: string): number {
  if (sign > '\u1100') return 1.05;
  if (/[ijlI.,:;|'! ]/.test(sign)) return 0.33;
  if (/[frt()/-]/.test(sign)) return 0.41;
  return /[MWm@w%+=…—×≤]/.test(sign) ? 1 : /[A-Z]/.test(sign) ? 0.72 : 0.63;
}

/** `text`, shortened with an ellipsis to be no wider than `width` px. */
export function shortened(text: string, width: number, size = 12): string {
  if (textWidth(text, size) <= width) return text;
  const signs = [...text];
  while (signs.length > 0 && textWidth(`${signs.join('')}…`, size) > width) signs.pop();
  return `${signs.join('')}…`;
}

/** The heading of a chart and the lines below it. */
export function head(title: string, ...lines: readonly string[]): string[] {
  const room = width - 2 * margin;
  return [
    label(margin, 34, title, { class: 'heading' }),
    ...lines.map((text, i) => label(margin, 54 + 17 * i, shortened(text, room), { class: 'quiet' })),
  ];
}

/** What a chart is made of. `height` is that of the whole drawing in px, its width is {@link width}. */
export interface Drawing {
  readonly title: string;
  /** All the chart says, for who cannot see it. */
  readonly description: string;
  readonly height: number;
  readonly content: readonly string[];
}

/** Width of every chart in px: fits the column of a README unscaled. */
export const width = 840;

/** Empty px on every side of a chart. */
export const margin = 20;

/** A document that needs nothing from outside, runs no script, and follows the reader's light or dark mode. */
export function document({ title, description, height, content }: Drawing): string {
  const size = { width, height, viewBox: `0 0 ${width} ${Math.round(height)}` };
  const root = { xmlns: 'http://www.w3.org/2000/svg', ...size, role: 'img', 'aria-labelledby': 'title desc' };
  const children = [
    element('title', { id: 'title' }, words(title)),
    element('desc', { id: 'desc' }, words(description)),
    element('style', {}, style),
    element('rect', { width, height, rx: 6, class: 'page' }),
    ...content,
  ];
  return `${element('svg', root, ...children.map((child) => `\n${child}`))}\n`;
}

/** The page has a colour of its own, so that it can be read where the page around it is in the other mode. */
const style = `
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.quiet { fill: #59636e } .strong { font-weight: 600 } .heading { font-size: 16px; font-weight: 600 }
.number { font-variant-numeric: tabular-nums } .end { text-anchor: end } .middle { text-anchor: middle }
.page { fill: #ffffff } .band { fill: #ddf4ff } .bar { fill: #b6bfc9 } .ours { fill: #0969da } text.ours { fill: #0550ae }
.grid { stroke: #e4e8ec } .one { stroke: #59636e } .whisker { stroke: #1f2328 }
.path { stroke: #0969da; stroke-width: 2; fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 } .page { fill: #0d1117 } .band { fill: #14233a } .bar { fill: #4b535d }
  .ours { fill: #1f6feb } text.ours { fill: #79b8ff } .grid { stroke: #262c34 } .one { stroke: #9198a1 }
  .whisker { stroke: #e6edf3 } .path { stroke: #58a6ff }
}
`;

function attribute(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : words(value);
}

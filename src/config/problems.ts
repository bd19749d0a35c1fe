import type { Problem } from './config.ts';
import type { Range } from './document.ts';

/** A key path into the file. */
export type Path = readonly (string | number)[];

interface Finding {
  readonly at: number | undefined;
  readonly path: Path;
  readonly message: string;
  readonly level: Problem['level'];
  /** The line could not be taken apart: show only what is certainly no value. */
  readonly unparsed: boolean;
}

/** Collects what is wrong with one file; the lines are masked at the end, when every secret range is known. */
export class Findings {
  readonly #file: string;
  readonly #text: string;
  readonly #masked: Range[] = [];
  readonly #found: Finding[] = [];
  #errors = 0;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
  }

  /** How many problems of level error there are. */
  get errors(): number {
    return this.#errors;
  }

  /** Adds a problem at an offset of the text; undefined means the file as a whole. */
  add(
    at: number | undefined,
    path: Path,
    message: string,
    { level = 'error', unparsed = false }: { level?: Problem['level']; unparsed?: boolean } = {},
  ): void {
    this.#found.push({ at, path, message, level, unparsed });
    if (level === 'error') this.#errors++;
  }

  /** Hides a range of the text in every line that is shown. */
  mask(range: Range): void {
    this.#masked.push(range);
  }

  /** All problems in file order; the same one is told once, a line that is not YAML once. */
  problems(): Problem[] {
    const starts = lineStarts(this.#text);
    const masked = [...this.#masked, ...userinfo(this.#text)].sort((a, b) => a[0] - b[0]);
    const told = new Set<string>();
    const problems: Problem[] = [];
    for (const finding of this.#found.toSorted((a, b) => (a.at ?? -1) - (b.at ?? -1))) {
      const line = finding.at === undefined ? 0 : lineOf(starts, finding.at);
      const start = starts[line - 1] ?? 0;
      const column = finding.at === undefined ? 0 : finding.at - start + 1;
      const id = finding.unparsed ? `${line}` : `${line}:${column}:${finding.message}`;
      if (told.has(id)) continue;
      told.add(id);
      const { level, message } = finding;
      const problem = {
        file: this.#file,
        line,
        column,
        path: finding.path.join('.').replace(/\p{C}/gu, '·'),
        message,
        level,
      };
      if (line === 0) {
        problems.push(problem);
        continue;
      }
      const end = this.#text.indexOf('\n', start);
      const range: Range = [start, end === -1 ? this.#text.length : end];
      const shown = finding.unparsed
        ? maskUnparsed(this.#text.slice(...range), column)
        : maskRanges(this.#text, range, masked, column);
      problems.push({ ...problem, ...crop(shown) });
    }
    return problems;
  }
}

/** `routes.yaml:14:5: message`, the offending line and a caret under the place. */
export function renderProblem(problem: Problem): string {
  const place = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const level = problem.level === 'warning' ? 'warning: ' : '';
  const head = `${place}: ${level}${problem.message}\n`;
  if (problem.source === undefined) return head;
  return `${head}    ${problem.source}\n    ${' '.repeat((problem.caret ?? problem.column) - 1)}^\n`;
}

interface Shown {
  readonly source: string;
  readonly caret: number;
}

const mask = '***';

function maskRanges(text: string, [start, end]: Range, masked: readonly Range[], column: number): Shown {
  const at = start + column - 1;
  let source = '';
  let caret = column;
  let next = start;
  for (const range of masked) {
    const from = Math.max(range[0], next);
    const to = Math.min(range[1], end);
    if (from >= to) continue;
    source += text.slice(next, from) + mask;
    next = to;
    if (at >= to) caret = source.length + at - to + 1;
    else if (at >= from) caret = source.length - mask.length + 1;
  }
  source += text.slice(next, end);
  return { source, caret };
}

/** The user and password of every URL. */
function userinfo(text: string): Range[] {
  return [...text.matchAll(/\/\/[^/\s@]{1,1024}@/g)].map((found) => [
    found.index + 2,
    found.index + found[0].length - 1,
  ]);
}

const plainKeys = new Set(
  'provider grant_type upstream credential listen admin methods hosts callers routes strip_prefix'.split(' '),
);

/** Of a line the parser did not understand: its first key, and its value when that key never holds a secret. */
function maskUnparsed(source: string, column: number): Shown {
  if (/^[\s\]}:,-]*$/.test(source)) return { source, caret: column };
  const [lead = '', key = ''] = /^\s*(?:- +)*([A-Za-z0-9_./-]{1,64}):(?= |\s*$)/.exec(source) ?? [];
  if (lead === '') return { source: mask, caret: 1 };
  if (plainKeys.has(key) || source.trimEnd() === lead) return { source, caret: column };
  return { source: `${lead} ${mask}`, caret: Math.min(column, lead.length + 2) };
}

const widest = 160;

/** One terminal line: no control characters, and a window around the caret when it is long. */
function crop({ source, caret }: Shown): Shown {
  const clean = source.replace(/\r$/, '').replace(/\p{C}/gu, (found) => ' '.repeat(found.length));
  if (clean.length <= widest) return { source: clean, caret: Math.min(caret, clean.length + 1) };
  const from = Math.max(0, Math.min(caret - 1 - widest / 2, clean.length - widest));
  const window = clean.slice(from, from + widest);
  return {
    source: `${from > 0 ? '…' : ''}${window}${from + widest < clean.length ? '…' : ''}`,
    caret: caret - from + (from > 0 ? 1 : 0),
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function lineOf(starts: readonly number[], at: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= at) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}

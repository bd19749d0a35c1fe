import type { DestinationStream } from 'pino';
import { printable } from './printable.ts';

const dim = 2;
const bold = 1;
const red = 31;
const green = 32;
const yellow = 33;
const cyan = 36;
const grey = 90;

const levelColours: Readonly<Record<string, number>> = {
  trace: grey,
  debug: grey,
  info: green,
  warn: yellow,
  error: red,
};

type Paint = (code: number, text: string) => string;
type Fields = Readonly<Record<string, unknown>>;

export interface PrettyOptions {
  /** Whether the terminal is to show colours. */
  readonly colour: boolean;
}

/**
 * Turns JSON log lines into compact ones for a terminal: time, level, message, then key=value; of an exchange method,
 * route, status and time in columns. What to do comes last, behind an arrow.
 */
export function prettyLines(target: DestinationStream, { colour }: PrettyOptions): DestinationStream {
  const paint: Paint = colour ? (code, text) => `\x1b[${code}m${text}\x1b[0m` : (_, text) => text;
  return {
    write(line) {
      target.write(`${pretty(line, paint)}\n`);
    },
  };
}

function pretty(line: string, paint: Paint): string {
  const { level, time, msg, what_to_do, ...fields } = JSON.parse(line) as Fields;
  const shown = printable(String(level)).padEnd(5);
  const start = `${paint(dim, String(time).slice(11, 23))} ${paint(levelColours[String(level)] ?? grey, shown)}`;
  const isExchange = msg === 'exchange' && typeof fields.status === 'number';
  const parts = isExchange
    ? exchange(fields, paint)
    : [paint(level === 'info' ? 0 : bold, printable(String(msg))), ...pairs(fields, paint)];
  const advice = what_to_do === undefined ? [] : [paint(cyan, `→ ${printable(String(what_to_do))}`)];
  return [start, ...parts, ...advice].join(' ');
}

/** `GET   /realer  200    12.3 ms  token ready` */
function exchange(fields: Fields, paint: Paint): string[] {
  const { method, route, status, ms, token, retry, error, aborted, ...others } = fields;
  const { id, trace_id: _, span_id: __, ...rest } = others;
  const went = error === undefined && aborted === undefined && Number(status) < 400;
  return [
    printable(String(method)).padEnd(6),
    printable(String(route ?? '-')).padEnd(16),
    paint(statusColour(Number(status)), status === 0 ? '---' : String(status)),
    `${Number(ms).toFixed(1).padStart(8)} ms`,
    ...(token === undefined ? [] : [`token ${printable(String(token))}`]),
    ...(retry === undefined ? [] : [paint(yellow, `retry ${printable(String(retry))}`)]),
    ...(error === undefined ? [] : [paint(red, printable(String(error)))]),
    ...(aborted === undefined ? [] : [paint(red, `broken off by ${printable(String(aborted))}`)]),
    ...pairs(went ? rest : { ...rest, id }, paint),
  ];
}

function statusColour(status: number): number {
  if (status === 0 || status >= 500) return red;
  return status >= 400 ? yellow : green;
}

function pairs(fields: Fields, paint: Paint): string[] {
  return Object.entries(fields).map(([name, value]) => paint(dim, `${name}=`) + printable(String(value)));
}

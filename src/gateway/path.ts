import { CupbearerError } from '../errors.ts';

/** A request target that was found safe: raw bytes, nothing decoded, nothing normalised. */
export interface Target {
  /** Starts with `/`; never contains `?`. */
  readonly path: string;
  /** Empty, or starts with `?`. */
  readonly query: string;
}

// RFC 3986 §3.3 pchar and "/"; the percent sign is looked at separately.
const plainPath = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*$/;
const pathBytes = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/;
const malformedPercent = /%(?![0-9A-Fa-f]{2})/;
const refusedPercent = /%(?:[01][0-9A-Fa-f]|7[Ff]|5[Cc])/;
const overlongUtf8 = /%[Cc][01]|%[Ee]0%[89][0-9A-Fa-f]|%[Ff]0%8[0-9A-Fa-f]/;
const dotSegment = /(?:^|[/\\])\.{1,2}(?:[;/\\]|$)/;
const queryBytes = /^[\x21\x22\x24-\xff]*$/;
const decodeDepth = 3;

/**
 * Splits a raw origin-form request target and refuses whatever two parsers could read differently.
 * Throws CupbearerError `malformed-request` (not origin-form) or `path-refused`.
 */
export function checkTarget(raw: string): Target {
  if (raw.charCodeAt(0) !== 0x2f) {
    throw new CupbearerError('malformed-request', 'the request target must be a path that starts with "/"');
  }
  const mark = raw.indexOf('?');
  const path = mark === -1 ? raw : raw.slice(0, mark);
  const query = mark === -1 ? '' : raw.slice(mark);
  if (!plainPath.test(path)) checkPercent(path);
  else if (path.includes('/.') && dotSegment.test(path)) refuse('it has a dot segment');
  if (query !== '' && !queryBytes.test(query)) refuse('its query has a "#", a space or a control character');
  return { path, query };
}

function checkPercent(path: string): void {
  if (path.includes('#')) refuse('it has a "#"');
  if (!pathBytes.test(path)) refuse('it has a character that must be percent-encoded (RFC 3986 §3.3)');
  if (malformedPercent.test(path)) refuse('it has a "%" that is not followed by two hexadecimal digits');
  if (refusedPercent.test(path)) refuse('it has an encoded control character or backslash');
  if (overlongUtf8.test(path)) refuse('it has overlong UTF-8');
  let level = path;
  for (let depth = 0; depth <= decodeDepth; depth++) {
    if (dotSegment.test(level)) refuse('it has a dot segment, plain or encoded');
    if (!level.includes('%')) return;
    level = decodeOnce(level);
  }
}

function decodeOnce(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/**
 * The path that goes upstream: the route's base path and the rest of the caller's path, joined as they are.
 * `rest` is empty or starts with a slash. Throws CupbearerError `path-refused` for a rest that starts with `//`.
 */
export function upstreamPath(basePath: string, rest: string, query: string): string {
  if (rest.startsWith('//')) refuse('the part after the route prefix starts with "//"');
  const path = basePath + rest;
  return (path === '' ? '/' : path) + query;
}

function refuse(why: string): never {
  throw new CupbearerError('path-refused', `the request path is refused: ${why}`);
}

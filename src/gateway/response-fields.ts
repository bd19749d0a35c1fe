import type { Route } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import { nominate } from './connection.ts';

// RFC 9110 §7.6.1; then what a browser would keep for the whole of this listener's origin, or let other pages read by.
// What holds for the one answer alone (Link, Refresh, Content-Security-Policy, Reporting-Endpoints, …) is the upstream's.
const dropped = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'alt-svc',
  'strict-transport-security',
  'public-key-pins',
  'public-key-pins-report-only',
  'expect-ct',
  'nel',
  'report-to',
  'clear-site-data',
  'service-worker-allowed',
  'timing-allow-origin',
  'cross-origin-resource-policy',
  'x-content-type-options',
  // Would have the server adapter leave the answer unwritten.
  'x-hono-already-sent',
]);
const notInTrailers = new Set([
  ...dropped,
  'trailer',
  'content-length',
  'content-encoding',
  'content-type',
  'content-range',
  'host',
  'authorization',
  'set-cookie',
  'cache-control',
  'location',
  'www-authenticate',
]);

/** An upstream answer's head, ready for the caller. */
export interface ResponseHead {
  /** Flat [name, value, …]; order, case and duplicates as sent. */
  readonly fields: string[];
  /** Bytes the body was announced with; trailers may follow one that was not. */
  readonly length: number | undefined;
}

/**
 * Filters an upstream answer's raw fields for the caller and maps Location back under the route. Trailer
 * passes only when `mayTrail` and the length is not announced: Node refuses it on an answer that is not chunked. Throws
 * CupbearerError `upstream-protocol` for a transfer coding that is not taken off (RFC 9112 §6.1).
 */
export function responseFields(
  raw: readonly string[],
  status: number,
  route: Route,
  mayTrail: boolean,
): ResponseHead {
  const fields: string[] = [];
  const trailer: string[] = [];
  let nominated: Set<string> | undefined;
  let length: number | undefined;
  let codings = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const written = raw[i] as string;
    const name = written.toLowerCase();
    const value = raw[i + 1] as string;
    if (name === 'transfer-encoding') checkCoding(value, ++codings, route);
    else if (name === 'connection') nominated = nominate(nominated, value);
    else if (name === 'trailer') trailer.push(written, value);
    else if (name === 'set-cookie' && !route.cookies) continue;
    else if (name === 'content-length' && (status === 204 || status === 205)) continue;
    else if (name === 'content-length') {
      length = Number(value);
      fields.push(written, value);
    } else if (!dropped.has(name) && !name.startsWith('access-control-')) {
      fields.push(written, name === 'location' ? mapLocation(value, route) : value);
    }
  }
  const kept = nominated === undefined ? fields : withoutNominated(fields, nominated);
  if (length === undefined && mayTrail) kept.push(...trailer);
  // No page of another origin may embed an answer, nor have it taken for a script or a style sheet (Fetch §3.7, §3.6).
  kept.push('Cross-Origin-Resource-Policy', 'same-origin', 'X-Content-Type-Options', 'nosniff');
  return { fields: kept, length };
}

function checkCoding(value: string, count: number, { prefix }: Route): void {
  if (value.toLowerCase() === 'chunked' && count === 1) return;
  throw new CupbearerError(
    'upstream-protocol',
    `route ${prefix}: the upstream answered with a transfer coding other than chunked`,
  );
}

/** The trailers that may reach the caller, as pairs; names that steer framing, routing or caching never do (RFC 9110 §6.5.1). */
export function trailerFields(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const lower = name.toLowerCase();
    if (!notInTrailers.has(lower) && !lower.startsWith('access-control-'))
      pairs.push([name, raw[i + 1] as string]);
  }
  return pairs;
}

/** A Location under the route's upstream base, as the caller's own path to it; any other is left as it is. */
export function mapLocation(value: string, route: Route): string {
  const { origin, base_path } = route.upstream;
  const path = value === origin || value.startsWith(`${origin}/`) ? value.slice(origin.length) || '/' : value;
  if (!path.startsWith(`${base_path}`) || !path.startsWith('/') || path.startsWith('//')) return value;
  const rest = path.slice(base_path.length);
  if (rest !== '' && !/^[/?#]/.test(rest)) return value;
  const mapped = (route.strip_prefix && route.prefix !== '/' ? route.prefix : '') + rest || '/';
  // Two slashes would name another host (RFC 3986 §4.2).
  return /^\/[/\\]/.test(mapped) ? value : mapped;
}

function withoutNominated(fields: readonly string[], nominated: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    // Framing is ours to write; a nominated Content-Length would leave the body without an end.
    if (name.toLowerCase() === 'content-length' || !nominated.has(name.toLowerCase())) {
      kept.push(name, fields[i + 1] as string);
    }
  }
  return kept;
}

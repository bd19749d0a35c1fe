import type { IncomingMessage } from 'node:http';
import { CupbearerError } from '../errors.ts';
import { nominate } from './connection.ts';
import { checkForwardable } from './method.ts';

/** What one pass over the raw fields of a request found. */
export interface RequestHead {
  /** Flat [name, value, …] as received. */
  readonly raw: readonly string[];
  /** The names of `raw` in lower case, one an entry. */
  readonly names: readonly string[];
  /** Lower-case field names that Connection nominates (RFC 9110 §7.6.1); undefined for none. */
  readonly nominated: ReadonlySet<string> | undefined;
  /** Bytes announced by Content-Length; undefined without the field. */
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
  /** Values of Via, in order. */
  readonly via: readonly string[];
}

const maxFields = 200;
const none: readonly string[] = [];

/**
 * Reads the head of a request and refuses what must go no further, in one pass.
 * Throws CupbearerError: `malformed-request` 400, `host-refused` 421, `browser-refused` 403, `method-not-allowed` 405,
 * `fields-too-large` 431.
 */
export function guard(request: IncomingMessage, allowed: AllowedHosts): RequestHead {
  const raw = request.rawHeaders;
  if (raw.length > maxFields * 2) {
    throw new CupbearerError('fields-too-large', `the request has more than ${maxFields} fields`);
  }
  if (request.httpVersionMajor !== 1)
    throw new CupbearerError('malformed-request', 'only HTTP/1.1 and 1.0 are served');
  checkForwardable(request.method ?? '');
  const names: string[] = new Array(raw.length / 2);
  let host: string | undefined;
  let hosts = 0;
  let nominated: Set<string> | undefined;
  let contentLength: number | undefined;
  let chunked = false;
  let via = none;
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    names[i >> 1] = name;
    switch (name) {
      case 'host':
        host = value;
        hosts++;
        break;
      case 'connection':
        nominated = nominate(nominated, value);
        break;
      case 'content-length':
        contentLength = Number(value);
        break;
      case 'transfer-encoding':
        chunked = true;
        break;
      case 'via':
        via = via === none ? [value] : [...via, value];
        break;
      case 'origin':
        throw new CupbearerError(
          'browser-refused',
          'requests with an Origin field come from web pages and are refused',
        );
      case 'sec-fetch-site':
        if (value !== 'none') {
          throw new CupbearerError(
            'browser-refused',
            'requests that a web page makes are refused (Sec-Fetch-Site)',
          );
        }
        break;
    }
  }
  if (hosts !== 1 || host === undefined) {
    throw new CupbearerError(
      'malformed-request',
      'the request must have exactly one Host field (RFC 9112 §3.2)',
    );
  }
  if (!allowed.field(host)) {
    throw new CupbearerError(
      'host-refused',
      'this Host is not served here; add its name to server.hosts if it should be',
    );
  }
  return { raw, names, nominated, contentLength, chunked, via };
}

/** The host names callers may use. */
export interface AllowedHosts {
  /** Whether a Host field names one. Throws CupbearerError `malformed-request` (RFC 9110 §7.2). */
  field(value: string): boolean;
  /** Whether it is one, in any case. */
  name(host: string): boolean;
}

/** Loopback's own names and the configured ones. */
export function allowedHosts(configured: readonly string[]): AllowedHosts {
  const names = new Set(['localhost', '127.0.0.1', '[::1]', ...configured.map((name) => name.toLowerCase())]);
  // Nearly every request carries the same field.
  let lastAllowed: string | undefined;
  const name = (host: string) => names.has(host.toLowerCase());
  return {
    name,
    field(value) {
      if (value === lastAllowed) return true;
      if (!name(hostOf(value))) return false;
      lastAllowed = value;
      return true;
    },
  };
}

const hostField = /^(\[[0-9A-Fa-f:.]+\]|[^:@/\\?#\s,[\]]+)(?::(\d{1,5}))?$/;

function hostOf(field: string): string {
  const [, host, port = '0'] = hostField.exec(field) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new CupbearerError('malformed-request', 'the Host field is malformed (RFC 9110 §7.2)');
  }
  return host;
}

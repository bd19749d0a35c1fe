import type { IncomingMessage } from 'node:http';
import type { ServerConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import { nominate } from './connection.ts';
import { bodyLength } from './framing.ts';
import { type AllowedHosts, allowedHosts, hostRefused } from './hosts.ts';
import { checkForwardable } from './method.ts';

/** What one pass over the raw fields of a request found. */
export interface RequestHead {
  /** Flat [name, value, …] as received. */
  readonly raw: readonly string[];
  /** The names of `raw` in lower case, one an entry. */
  readonly names: readonly string[];
  /** Lower-case field names that Connection nominates (RFC 9110 §7.6.1); undefined for none. */
  readonly nominated: ReadonlySet<string> | undefined;
  /** Bytes announced by Content-Length, exact; undefined without the field. */
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
  /** Values of Via, in order. */
  readonly via: readonly string[];
}

/** Who and what may be answered at all. */
export interface GuardPolicy {
  readonly hosts: AllowedHosts;
  /** Origin fields that are let through, as they are sent. */
  readonly origins: ReadonlySet<string>;
}

const maxFields = 200;
const none: readonly string[] = [];

/**
 * Reads the head of a request and refuses what must go no further, in one pass; what ends the connection first.
 * Throws CupbearerError: `malformed-request` 400, `expectation-failed` 417, `fields-too-large` 431,
 * `version-not-supported` 505; `host-refused` 421, `browser-refused` 403, `method-not-allowed` 405.
 */
export function guard(request: IncomingMessage, policy: GuardPolicy): RequestHead {
  const raw = request.rawHeaders;
  if (raw.length > maxFields * 2) {
    throw new CupbearerError('fields-too-large', `the request has more than ${maxFields} fields`);
  }
  const isHttp10 = request.httpVersionMinor === 0;
  if (request.httpVersionMajor !== 1 || (request.httpVersionMinor !== 1 && !isHttp10))
    throw new CupbearerError('version-not-supported', 'only HTTP/1.1 and 1.0 are served');
  const method = request.method ?? '';
  const names: string[] = new Array(raw.length / 2);
  let host: string | undefined;
  let hosts = 0;
  let nominated: Set<string> | undefined;
  let length: string | undefined;
  let lengths = 0;
  let coding: string | undefined;
  let codings = 0;
  let via = none;
  let origin: string | undefined;
  let origins = 0;
  let fromPage = false;
  let preflight = false;
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
        length = value;
        lengths++;
        break;
      case 'transfer-encoding':
        coding = value;
        codings++;
        break;
      case 'expect':
        if (!isHttp10) checkExpectation(value);
        break;
      case 'via':
        via = via === none ? [value] : [...via, value];
        break;
      case 'origin':
        origin = value;
        origins++;
        break;
      case 'sec-fetch-site':
        fromPage ||= value !== 'none';
        break;
      case 'sec-fetch-mode':
        // An address that was typed, or followed from another program, may have been redirected here by any page.
        fromPage ||= value === 'navigate';
        break;
      case 'sec-purpose':
        // Speculation rules of any page have a browser ask, and it says that no page does.
        fromPage = true;
        break;
      case 'access-control-request-method':
      case 'access-control-request-private-network':
        preflight = true;
        break;
    }
  }
  const body =
    lengths + codings === 0 ? undefined : bodyLength({ length, lengths, coding, codings }, method, isHttp10);
  if (hosts !== 1 || host === undefined) {
    throw new CupbearerError(
      'malformed-request',
      'the request must have exactly one Host field (RFC 9112 §3.2)',
    );
  }
  if (!policy.hosts.field(host)) throw hostRefused();
  if (preflight) {
    throw new CupbearerError(
      'browser-refused',
      'preflights are refused: no web page may read answers from here',
    );
  }
  if ((origins > 0 || fromPage) && !(origins === 1 && policy.origins.has(origin as string))) {
    throw new CupbearerError(
      'browser-refused',
      'requests of web pages are refused (Origin, Sec-Fetch-Site, Sec-Fetch-Mode); add the Origin to server.origins if it may call',
    );
  }
  checkForwardable(method);
  const chunked = body === 'chunked';
  return { raw, names, nominated, contentLength: chunked ? undefined : body, chunked, via };
}

/** RFC 9110 §10.1.1; HTTP/1.0 has none. */
function checkExpectation(value: string): void {
  if (value === '100-continue' || value.toLowerCase() === '100-continue') return;
  throw new CupbearerError('expectation-failed', 'the only expectation that is met is 100-continue');
}

/** The policy of a configuration. */
export function guardPolicy({ hosts, origins }: Pick<ServerConfig, 'hosts' | 'origins'>): GuardPolicy {
  return { hosts: allowedHosts(hosts), origins: new Set(origins) };
}

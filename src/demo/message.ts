import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** A request as a simulated vendor's endpoint gets it. */
export interface VendorRequest {
  readonly method: string;
  /** Raw path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The values of the Authorization fields as received. */
  readonly authorization: readonly string[];
  /** The whole body as text; empty for endpoints that read `incoming` themselves. */
  readonly body: string;
  readonly incoming: IncomingMessage;
  /** Set when the request is a WebSocket handshake for an endpoint that `upgrades`. */
  readonly handshake?: Handshake;
}

/** A connection that waits for its 101 (RFC 6455 §4.2.2). */
export interface Handshake {
  readonly socket: Duplex;
  /** What came after the request. */
  readonly early: Buffer;
}

export interface Answer {
  /** 101 says that the connection of the handshake has been taken over. */
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as application/json unless `headers` says otherwise. */
  readonly json?: unknown;
  /** A page, sent as text/html. */
  readonly html?: string;
  /** Sent as text/plain. */
  readonly text?: string;
  /** Sent piece by piece, as fast as the reader takes it. */
  readonly stream?: AsyncIterable<string | Uint8Array>;
}

/** Whether the body's media type is exactly this one, parameters aside. */
export function hasMediaType(request: VendorRequest, mediaType: string): boolean {
  return request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() === mediaType;
}

/** The members of a JSON object; undefined when the body is anything else. */
export function readJson(request: VendorRequest): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(request.body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

export type Parameters = ReadonlyMap<string, string>;

/** The parameters of a form; undefined when one is repeated (RFC 6749 §3.2). Empty ones count as absent. */
export function readForm(request: VendorRequest): Parameters | undefined {
  return single(new URLSearchParams(request.body));
}

/** Those of the query, by the same rule (RFC 6749 §3.1). */
export function readQuery(request: VendorRequest): Parameters | undefined {
  return single(request.query);
}

function single(given: URLSearchParams): Parameters | undefined {
  const parameters = new Map<string, string>();
  for (const [name, value] of given) {
    if (parameters.has(name)) return undefined;
    if (value !== '') parameters.set(name, value);
  }
  return parameters;
}

/** What follows the scheme, when there is exactly one Authorization field and it has exactly this scheme. */
export function schemeValue(request: VendorRequest, scheme: string): string | undefined {
  const [value, second] = request.authorization;
  if (value === undefined || second !== undefined || !value.startsWith(`${scheme} `)) return undefined;
  return value.slice(scheme.length + 1);
}

/** Id and secret of a Basic field, split at the first colon, not decoded further (RFC 7617 §2). */
export function basicPair(request: VendorRequest): { id: string; secret: string } | undefined {
  const text = Buffer.from(schemeValue(request, 'Basic') ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { id: text.slice(0, colon), secret: text.slice(colon + 1) };
}

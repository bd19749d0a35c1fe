import { CupbearerError, type ErrorCode, errorTable } from '../errors.ts';

/** One of our own answers, ready to be written. */
export interface ProblemAnswer {
  readonly code: ErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * After these the connection ends: what follows on it cannot be trusted to be a request of its own (RFC 9112 §9.6), or is
 * the rest of a body nobody wants. For too many attempts, so that each further guess costs a connection.
 */
const ending: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'malformed-request',
  'request-timeout',
  'body-too-large',
  'expectation-failed',
  'fields-too-large',
  'version-not-supported',
  'too-many-attempts',
]);

/**
 * An error as problem details (RFC 9457) with Proxy-Status (RFC 9209) and, where it helps, Retry-After in seconds. Both ids
 * are in it, so that whoever sees the answer can find its log line and its trace.
 * Anything that is not a CupbearerError becomes `internal` with a fixed text.
 */
export function problemAnswer(error: unknown, requestId: string, traceId?: string): ProblemAnswer {
  const known =
    error instanceof CupbearerError
      ? error
      : new CupbearerError('internal', 'an error inside Cupbearer; its log says more');
  const { status, title, proxyStatus } = errorTable[known.code];
  const body = JSON.stringify({
    type: `urn:cupbearer:problem:${known.code}`,
    title,
    status,
    detail: known.message,
    instance: requestId,
    trace_id: traceId,
  });
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    'proxy-status': `cupbearer; error=${proxyStatus}; details="${known.code}"`,
  };
  if (known.retryAfterMs !== undefined)
    headers['retry-after'] = String(Math.max(1, Math.ceil(known.retryAfterMs / 1000)));
  if (ending.has(known.code)) headers.connection = 'close';
  // RFC 9110 §15.5.6.
  if (known.allow !== undefined) headers.allow = known.allow.join(', ');
  // RFC 9110 §15.5.2: a 401 says how to authenticate.
  if (status === 401) headers['www-authenticate'] = 'Basic realm="cupbearer", charset="UTF-8"';
  return { code: known.code, status, headers, body };
}

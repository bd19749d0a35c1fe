import { CupbearerError, type ErrorCode, type ErrorOptions } from '../errors.ts';

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'upstream-not-found',
  EAI_AGAIN: 'upstream-not-found',
  ECONNREFUSED: 'upstream-unreachable',
  EHOSTUNREACH: 'upstream-unreachable',
  ENETUNREACH: 'upstream-unreachable',
  EADDRNOTAVAIL: 'upstream-unreachable',
  ENOENT: 'upstream-unreachable',
  ETIMEDOUT: 'upstream-connect-timeout',
  UND_ERR_CONNECT_TIMEOUT: 'upstream-connect-timeout',
  ECONNRESET: 'upstream-closed',
  EPIPE: 'upstream-closed',
  UND_ERR_SOCKET: 'upstream-closed',
  UND_ERR_INVALID_ARG: 'malformed-request',
  UND_ERR_NOT_SUPPORTED: 'malformed-request',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'malformed-request',
  UND_ERR_CLOSED: 'shutting-down',
  UND_ERR_DESTROYED: 'shutting-down',
};
const what: Partial<Record<ErrorCode, string>> = {
  'upstream-not-found': 'its name does not resolve; check the host and DNS',
  'upstream-unreachable': 'it does not accept connections; check the address and that it runs',
  'upstream-connect-timeout': 'connecting took too long; raise timeout.connect if that is expected',
  'upstream-timeout':
    'its answer did not come in time; raise timeout.response or timeout.idle if that is expected',
  'upstream-certificate': 'its certificate is not trusted; check the host name, or set tls.ca',
  'upstream-closed': 'it closed the connection before its answer was complete',
  'upstream-protocol': 'its answer is not valid HTTP',
  'malformed-request': 'the request cannot be sent as it is; check its fields and its length',
  'shutting-down': 'Cupbearer is shutting down',
};
const certificate =
  /^(?:ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_SSL_|HOSTNAME_MISMATCH|EPROTO)/;

/** What a failed attempt means to the caller. Nothing of the original message is repeated; it is kept as the cause. */
export function upstreamError(error: unknown, prefix: string, origin: string): CupbearerError {
  if (error instanceof CupbearerError) return error;
  return describe(errorCode(error), prefix, origin, { cause: error });
}

/** The upstream let one of the route's time limits pass. */
export function upstreamTimeout(prefix: string, origin: string): CupbearerError {
  return describe('upstream-timeout', prefix, origin);
}

function describe(code: ErrorCode, prefix: string, origin: string, options?: ErrorOptions): CupbearerError {
  return new CupbearerError(code, `route ${prefix}: upstream ${origin}: ${what[code]}`, options);
}

function errorCode(error: unknown): ErrorCode {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const code: unknown = inner instanceof Error && 'code' in inner ? inner.code : undefined;
  if (typeof code !== 'string') return 'upstream-protocol';
  return codes[code] ?? (certificate.test(code) ? 'upstream-certificate' : 'upstream-protocol');
}

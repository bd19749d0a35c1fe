import { CupbearerError, type ErrorCode, type ErrorOptions } from '../errors.ts';
import { tlsFault } from '../tls-faults.ts';
import { forbiddenAddress } from './connector.ts';

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: 'upstream-not-found',
  EAI_AGAIN: 'upstream-not-found',
  ECONNREFUSED: 'upstream-unreachable',
  EHOSTUNREACH: 'upstream-unreachable',
  ENETUNREACH: 'upstream-unreachable',
  EADDRNOTAVAIL: 'upstream-unreachable',
  ENOENT: 'upstream-unreachable',
  [forbiddenAddress]: 'upstream-address-refused',
  ETIMEDOUT: 'upstream-connect-timeout',
  UND_ERR_CONNECT_TIMEOUT: 'upstream-connect-timeout',
  ECONNRESET: 'upstream-closed',
  EPIPE: 'upstream-closed',
  UND_ERR_SOCKET: 'upstream-closed',
  UND_ERR_INVALID_ARG: 'malformed-request',
  UND_ERR_NOT_SUPPORTED: 'malformed-request',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'malformed-request',
  EMFILE: 'overloaded',
  ENFILE: 'overloaded',
  UND_ERR_CLOSED: 'shutting-down',
  UND_ERR_DESTROYED: 'shutting-down',
};
const what: Partial<Record<ErrorCode, string>> = {
  'upstream-not-found': 'its name does not resolve; check the host and DNS',
  'upstream-unreachable': 'it does not accept connections; check the address and that it runs',
  'upstream-connect-timeout': 'connecting took too long; raise timeout.connect if that is expected',
  'upstream-timeout':
    'its answer did not come in time; raise timeout.response or timeout.idle if that is expected',
  'upstream-address-refused':
    'its name leads to link-local or metadata addresses alone, where a credential never goes; check the host and DNS',
  'upstream-certificate': 'its certificate is not trusted; check the host name, or set tls.ca',
  'upstream-closed': 'it closed the connection before its answer was complete',
  'upstream-protocol': 'its answer is not valid HTTP',
  'malformed-request': 'the request cannot be sent as it is; check its fields and its length',
  overloaded:
    'no file descriptor is left for a connection; raise the limit of open files or lower server.max_connections',
  'shutting-down': 'Cupbearer is shutting down',
};
const certificate =
  /^(?:ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_SSL_|HOSTNAME_MISMATCH|EPROTO|INVALID_CA|INVALID_PURPOSE|UNSPECIFIED)/;

/** What a failed attempt means to the caller. Nothing of the original message is repeated; it is kept as the cause. */
export function upstreamError(error: unknown, prefix: string, origin: string): CupbearerError {
  if (error instanceof CupbearerError) return error;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = errorCode(inner);
  const later = code === 'overloaded' ? { retryAfterMs: 1_000 } : {};
  return describe(code, prefix, origin, { cause: error, ...later }, detailOf(code, inner, origin));
}

/** The upstream let one of the route's time limits pass. */
export function upstreamTimeout(prefix: string, origin: string): CupbearerError {
  return describe('upstream-timeout', prefix, origin);
}

function describe(
  code: ErrorCode,
  prefix: string,
  origin: string,
  options?: ErrorOptions,
  detail = what[code],
): CupbearerError {
  return new CupbearerError(code, `route ${prefix}: upstream ${origin}: ${detail}`, options);
}

function errorCode(error: unknown): ErrorCode {
  const code = ownCode(error);
  // undici's word for bytes it cannot make sense of on a connection that is fine.
  if (code === 'UND_ERR_SOCKET' && /^bad /.test((error as Error).message)) return 'upstream-protocol';
  return codes[code] ?? (certificate.test(code) ? 'upstream-certificate' : 'upstream-protocol');
}

function detailOf(code: ErrorCode, error: unknown, origin: string): string | undefined {
  if (code === 'upstream-certificate') return tlsFault(ownCode(error));
  // With TLS 1.3 the handshake is over for us before the server asks for what we do not have.
  if (code === 'upstream-closed' && origin.startsWith('https:')) {
    return `${what[code]}; if it asks for a client certificate, set tls.cert and tls.key`;
  }
  return undefined;
}

function ownCode(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

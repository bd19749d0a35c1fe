/** What each of our own errors means to the caller. The key is the stable code and the problem type's name. */
export const errorTable = {
  // the caller's request
  'malformed-request': { status: 400, title: 'Malformed request', proxyStatus: 'http_request_error' },
  'path-refused': { status: 400, title: 'Request path refused', proxyStatus: 'http_request_denied' },
  'tenant-required': { status: 400, title: 'Tenant required', proxyStatus: 'http_request_error' },
  'caller-unknown': { status: 401, title: 'Caller unknown', proxyStatus: 'http_request_denied' },
  'caller-not-allowed': { status: 403, title: 'Caller not allowed', proxyStatus: 'http_request_denied' },
  'browser-refused': { status: 403, title: 'Browser request refused', proxyStatus: 'http_request_denied' },
  'route-not-found': { status: 404, title: 'No route', proxyStatus: 'destination_not_found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed', proxyStatus: 'http_request_denied' },
  'request-timeout': { status: 408, title: 'Request too slow', proxyStatus: 'http_request_error' },
  'body-too-large': { status: 413, title: 'Request body too large', proxyStatus: 'http_request_denied' },
  'expectation-failed': { status: 417, title: 'Expectation failed', proxyStatus: 'http_request_error' },
  'host-refused': { status: 421, title: 'Host refused', proxyStatus: 'http_request_denied' },
  'too-many-attempts': { status: 429, title: 'Too many wrong keys', proxyStatus: 'http_request_denied' },
  'fields-too-large': { status: 431, title: 'Request fields too large', proxyStatus: 'http_request_error' },
  'version-not-supported': {
    status: 505,
    title: 'HTTP version not supported',
    proxyStatus: 'http_request_error',
  },
  // our credential
  'token-refused': {
    status: 502,
    title: 'Provider refused the credential',
    proxyStatus: 'proxy_configuration_error',
  },
  'reauthorization-required': {
    status: 502,
    title: 'Login needed',
    proxyStatus: 'proxy_configuration_error',
  },
  'token-answer-invalid': {
    status: 502,
    title: 'Token answer not understood',
    proxyStatus: 'destination_unavailable',
  },
  'token-unavailable': { status: 503, title: 'Token not available', proxyStatus: 'destination_unavailable' },
  'store-unavailable': {
    status: 503,
    title: 'Session store not available',
    proxyStatus: 'destination_unavailable',
  },
  'store-unreadable': {
    status: 502,
    title: 'Session store not readable',
    proxyStatus: 'proxy_configuration_error',
  },
  'tenants-exhausted': { status: 503, title: 'Too many tenants', proxyStatus: 'proxy_internal_response' },
  'token-timeout': { status: 504, title: 'Token not available in time', proxyStatus: 'connection_timeout' },
  // the upstream
  'upstream-unreachable': { status: 502, title: 'Upstream unreachable', proxyStatus: 'connection_refused' },
  'upstream-not-found': { status: 502, title: 'Upstream name not found', proxyStatus: 'dns_error' },
  'upstream-address-refused': {
    status: 502,
    title: 'Upstream address refused',
    proxyStatus: 'destination_ip_prohibited',
  },
  'upstream-certificate': {
    status: 502,
    title: 'Upstream certificate refused',
    proxyStatus: 'tls_certificate_error',
  },
  'upstream-closed': {
    status: 502,
    title: 'Upstream closed the connection',
    proxyStatus: 'connection_terminated',
  },
  'upstream-protocol': {
    status: 502,
    title: 'Upstream answer not understood',
    proxyStatus: 'http_protocol_error',
  },
  'upstream-connect-timeout': {
    status: 504,
    title: 'Upstream connection timed out',
    proxyStatus: 'connection_timeout',
  },
  'upstream-timeout': {
    status: 504,
    title: 'Upstream answer timed out',
    proxyStatus: 'http_response_timeout',
  },
  'loop-detected': { status: 508, title: 'Proxy loop detected', proxyStatus: 'proxy_loop_detected' },
  // a login
  'login-refused': { status: 403, title: 'Login refused', proxyStatus: 'http_request_denied' },
  'login-failed': { status: 502, title: 'Login failed', proxyStatus: 'http_request_error' },
  // ourselves
  overloaded: { status: 503, title: 'Overloaded', proxyStatus: 'connection_limit_reached' },
  'shutting-down': { status: 503, title: 'Shutting down', proxyStatus: 'connection_limit_reached' },
  internal: { status: 500, title: 'Internal error', proxyStatus: 'proxy_internal_error' },
  usage: { status: 500, title: 'Wrong usage', proxyStatus: 'proxy_internal_error' },
  'configuration-invalid': {
    status: 500,
    title: 'Configuration invalid',
    proxyStatus: 'proxy_configuration_error',
  },
} as const satisfies Record<string, { status: number; title: string; proxyStatus: string }>;

export type ErrorCode = keyof typeof errorTable;

export interface ErrorOptions {
  /** Milliseconds after which trying again makes sense. */
  retryAfterMs?: number;
  /** Methods that would have been allowed. */
  allow?: readonly string[];
  cause?: unknown;
}

/**
 * Every error Cupbearer raises on purpose. `code` is stable; `message` is for the person who reads it, names route
 * or credential and the next step, and never holds a secret.
 */
export class CupbearerError extends Error {
  override readonly name = 'CupbearerError';
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly allow: readonly string[] | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.allow = options.allow;
  }
}

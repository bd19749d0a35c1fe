import type { Exchange } from './record.ts';

// RFC 9110 §9.2.2; TRACE is never forwarded.
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * Whether a request may be sent again, on a connection of its own: once, when the connection it was sent on had served
 * another, broke, and not a byte came back (`isStale`). Its body must be kept whole (RFC 9110 §9.2.2, RFC 9112 §9.5).
 */
export function mayResend(
  record: Exchange,
  attempt: { readonly isStale: boolean } | undefined,
  body: { readonly replayable: boolean } | undefined,
): boolean {
  return (
    !record.resent && attempt?.isStale === true && body?.replayable === true && idempotent.has(record.method)
  );
}

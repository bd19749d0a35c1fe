import { CupbearerError } from '../errors.ts';

/** What a route lets through that names no methods, as far as callers need to know. */
export const commonMethods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Throws `method-not-allowed` for TRACE, whose answer would show the token (RFC 9110 §9.3.8), and CONNECT. */
export function checkForwardable(method: string): void {
  if (method === 'TRACE' || method === 'CONNECT') throw notForwardable(method);
}

/** `method-not-allowed` for a method that no route lets through. */
export function notForwardable(method: string): CupbearerError {
  return new CupbearerError('method-not-allowed', `${method} is never forwarded with a credential`, {
    allow: commonMethods,
  });
}

/** Throws `method-not-allowed` for a method that is not among those of a route that names some. */
export function checkRouteMethod(
  prefix: string,
  methods: readonly string[] | undefined,
  method: string,
): void {
  if (methods === undefined || methods.includes(method)) return;
  throw new CupbearerError('method-not-allowed', `route ${prefix} allows ${methods.join(', ')}`, {
    allow: methods,
  });
}

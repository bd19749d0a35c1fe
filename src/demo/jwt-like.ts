import { randomBytes } from 'node:crypto';

/** Text that looks like a signed JWT (RFC 7519) and is signed by nobody: to its holder a token is opaque. */
export function jwtLike(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unique = randomBytes(16).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ ...claims, jti: unique })}.${randomBytes(256).toString('base64url')}`;
}

export const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code';
export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** RFC 6749 §4.4, §6, §4.1 and §4.3, RFC 8628 §3.4, RFC 7523 §2.1, RFC 8693 §2.1; `static` asks nobody for a token. */
export const grantTypes = [
  'client_credentials',
  'refresh_token',
  'authorization_code',
  deviceCode,
  'password',
  jwtBearer,
  tokenExchange,
  'static',
] as const;

export type GrantType = (typeof grantTypes)[number];

/** Grants that keep a session: a refresh token that must survive. */
export type SessionGrantType = 'refresh_token' | 'authorization_code' | typeof deviceCode;

/** Grants that ask for each token afresh. */
export type DirectGrantType = Exclude<GrantType, SessionGrantType | 'static'>;

/** Whether a grant keeps a session. */
export function hasSession(grantType: GrantType): grantType is SessionGrantType {
  return grantType === 'refresh_token' || grantType === 'authorization_code' || grantType === deviceCode;
}

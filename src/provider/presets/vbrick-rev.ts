import type { ProviderSpec } from '../provider.ts';

/**
 * Rev by Vbrick, "OAuth Access Token Request" (`POST /api/v2/oauth/token`) and "OAuth Authorization"
 * (`GET /api/v2/oauth/authorization`).
 * - Every customer has a Rev of its own: base_url comes from the credential.
 * - JSON with camelCase names. The client is `apiKey` alone: client_id is the API key; token requests send no secret.
 * - The login page takes `apiKey`, `response_type`, `redirect_uri`, `state`, and `signature`: HMAC-SHA256 over
 *   `verifier`, which is the API key, two colons and the time, with the key's secret: client_secret. No PKCE, no scope.
 *   The redirect calls the code `auth_code`.
 * - A session is extended with `grantType: refresh_token`. The page calls `authCode` and `redirectUri` of the login
 *   required there too: they are sent when a login gave them, and left out otherwise, as Vbrick's own client does. A
 *   credential may write them itself: `params: { code: …, redirect_uri: … }`.
 * - The refresh token may stay the same and be used again.
 * - `expiration` is a UTC date. Vbrick's own client takes 10 minutes when it cannot read it.
 * - The scheme is VBrick, not Bearer: "issuedBy: issuer of the token (always VBrick for Rev)". Written out, so that an
 *   answer without `issuedBy` works too.
 */
export const vbrickRev: ProviderSpec = {
  grant_types: ['authorization_code', 'refresh_token'],
  token: {
    url: '/api/v2/oauth/token',
    encoding: 'json',
    client_auth: 'none',
    rename: {
      grant_type: 'grantType',
      client_id: 'apiKey',
      refresh_token: 'refreshToken',
      code: 'authCode',
      redirect_uri: 'redirectUri',
    },
  },
  refresh: { params: { code: '{code}', redirect_uri: '{redirect_uri}' } },
  authorize: {
    url: '/api/v2/oauth/authorization',
    pkce: 'none',
    rename: { client_id: 'apiKey' },
    params: { scope: null },
    code_param: 'auth_code',
    signature: {
      param: 'signature',
      text_param: 'verifier',
      text: '{client_id}::{timestamp}',
      algorithm: 'HS256',
    },
  },
  response: {
    access_token: 'accessToken',
    refresh_token: 'refreshToken',
    expires: [{ path: 'expiration', as: 'iso' }],
    default_lifetime: 600_000,
  },
  attach: { value: 'VBrick {access_token}' },
};

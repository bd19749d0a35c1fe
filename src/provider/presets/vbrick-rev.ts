import type { ProviderSpec } from '../provider.ts';

/**
 * Rev by Vbrick, "OAuth Access Token Request" (`POST /api/v2/oauth/token`).
 * - Every customer has a Rev of its own: base_url comes from the credential.
 * - JSON with camelCase names. The client is `apiKey` alone: client_id is the API key, there is no secret.
 * - A session is extended with `grantType: refresh_token`. The page also calls `authCode` and `redirectUri` required;
 *   Vbrick's own client leaves them out. A credential may add them: `params: { code: …, redirect_uri: … }`.
 * - The refresh token may stay the same and be used again.
 * - `expiration` is a UTC date. Vbrick's own client takes 10 minutes when it cannot read it.
 * - The scheme is VBrick, not Bearer: "issuedBy: issuer of the token (always VBrick for Rev)". Written out, so that an
 *   answer without `issuedBy` works too.
 */
export const vbrickRev: ProviderSpec = {
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
  response: {
    access_token: 'accessToken',
    refresh_token: 'refreshToken',
    expires: [{ path: 'expiration', as: 'iso' }],
    default_lifetime: 600_000,
  },
  attach: { value: 'VBrick {access_token}' },
};

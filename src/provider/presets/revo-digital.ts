import type { ProviderSpec } from '../provider.ts';

/**
 * Revo Digital (LeadConnector, HighLevel), "Get Access Token" (`POST https://services.leadconnectorhq.com/oauth/token`)
 * and "Authorization" (`https://marketplace.gohighlevel.com/oauth/chooselocation`).
 * - Form body with client_id and client_secret in it.
 * - `user_type` is Company or Location; a credential for a company says `params: { user_type: Company }`.
 * - The login page takes `response_type`, `redirect_uri`, `client_id` and `scope`; of PKCE nothing is said.
 * - Whoever logs in chooses the location there; `locationId` of the answer says which, for `user_type: Location`.
 * - Refresh tokens are single-use: each refresh answer brings the next one. No grace period is documented.
 * - Refusals are not RFC 6749 errors but `{"statusCode":400,"message":…}`. "Invalid grant: refresh token is invalid"
 *   ends the session; "Location is not active" passes: the same refresh token works once the location is back.
 * - Most API operations want a `Version` field whose value differs by path, so it is left to the caller or the route.
 *   A request without it is answered with 401 "version header was not found", which says nothing of the token; nor does
 *   401 "The token is not authorized for this scope.".
 */
export const revoDigital: ProviderSpec = {
  base_url: 'https://services.leadconnectorhq.com',
  grant_types: ['authorization_code', 'refresh_token'],
  token: { url: '/oauth/token', client_auth: 'client_secret_post', params: { user_type: 'Location' } },
  authorize: { url: 'https://marketplace.gohighlevel.com/oauth/chooselocation', pkce: 'none' },
  response: {
    tenant: 'locationId',
    errors: [
      { match: '[Ll]ocation is not active', as: 'temporarily_unavailable' },
      { match: '[Ii]nvalid grant', as: 'invalid_grant' },
    ],
  },
  refused: { status: [401], body: '^(?![\\s\\S]*(?:[Vv]ersion header|not authorized for this scope))' },
};

import { jwtBearer } from '../grant-type.ts';
import type { ProviderSpec } from '../provider.ts';

/**
 * Salesforce, "OAuth 2.0 Client Credentials Flow for Server-to-Server Integration"
 * (https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm), "OAuth 2.0 JWT
 * Bearer Flow for Server-to-Server Integration" (…remoteaccess_oauth_jwt_flow.htm) and "OAuth 2.0 Refresh Token Flow for
 * Renewed Sessions" (…remoteaccess_oauth_refresh_token_flow.htm).
 * - Every customer has a My Domain, where the API is too: base_url comes from the credential. The answer's `instance_url`
 *   is that address.
 * - A form with client_id and client_secret in it. With jwt-bearer `iss` says who the client is, and no secret is sent.
 * - `aud` of an assertion is `https://login.salesforce.com`; for a sandbox `https://test.salesforce.com`.
 * - Answers have `issued_at` and no lifetime: a token is a session, which ends when it was not used for the session
 *   timeout, two hours unless an administrator chose another. Asked for again after an hour.
 * - A token that has ended is answered with 401 (`INVALID_SESSION_ID`).
 * - Refresh tokens are good for many uses unless the app rotates them. No grace period is documented.
 * - `POST /services/oauth2/revoke` takes `token` alone ("Revoke OAuth Tokens").
 */
export const salesforce: ProviderSpec = {
  grant_types: ['client_credentials', jwtBearer, 'authorization_code', 'refresh_token'],
  token: { url: '/services/oauth2/token', client_auth: 'client_secret_post' },
  revoke: {
    url: '/services/oauth2/revoke',
    client_auth: 'none',
    params: { client_id: null, token_type_hint: null },
  },
  authorize: { url: '/services/oauth2/authorize', pkce: 'S256' },
  assertion_claims: { aud: 'https://login.salesforce.com' },
  response: {
    expires: [],
    default_lifetime: 3_600_000,
    errors: [{ match: '"error"\\s*:\\s*"invalid_client_id"', as: 'invalid_client' }],
  },
};

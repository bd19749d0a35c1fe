import type { ProviderSpec } from '../provider.ts';

/**
 * HubSpot, "OAuth token endpoint" (`POST /oauth/2026-03/token`,
 * https://developers.hubspot.com/docs/api-reference/2026-03/authentication/oauth-tokens/refresh-oauth-token).
 * - Form body with client_id and client_secret in it. The endpoints of v1 end on 16 February 2027 ("v1 OAuth API
 *   Deprecation", https://developers.hubspot.com/changelog/v1-oauth-api-deprecation).
 * - Access tokens live 30 minutes ("Manage OAuth access tokens using the v3 APIs"); an answer says so in expires_in.
 *   Of rotation nothing is said: a refresh token that comes is kept, and otherwise the old one stays.
 * - A refresh token that is no longer good is `invalid_grant`, and was `"status":"BAD_REFRESH_TOKEN"` without an
 *   `error` before ("New OAuth v3 API Endpoints and Standardized Error Responses").
 * - The login page takes client_id, redirect_uri, scope and state; of PKCE nothing is said there.
 * - `POST /oauth/2026-03/token/revoke` deletes a refresh token ("Revoke an OAuth token").
 */
export const hubspot: ProviderSpec = {
  base_url: 'https://api.hubapi.com',
  grant_types: ['authorization_code', 'refresh_token', 'static'],
  token: { url: '/oauth/2026-03/token', client_auth: 'client_secret_post' },
  revoke: { url: '/oauth/2026-03/token/revoke' },
  authorize: { url: 'https://app.hubspot.com/oauth/authorize', pkce: 'none' },
  response: {
    default_lifetime: 1_800_000,
    errors: [{ match: '"BAD_REFRESH_TOKEN"', as: 'invalid_grant' }],
  },
};

import type { ProviderSpec } from '../provider.ts';

/**
 * GitHub, an installation of a GitHub App, with grant_type client_credentials: "Generating an installation access token for a
 * GitHub App" (https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app),
 * "Generating a JSON Web Token (JWT) for a GitHub App" (…/generating-a-json-web-token-jwt-for-a-github-app) and "REST API
 * endpoints for GitHub Apps" (https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app).
 * - The app says who it is by a JWT in `Authorization: Bearer`, signed with RS256 by its private key: `iss` is the app's
 *   client ID or app ID, `exp` at most ten minutes away. Of `sub` and `aud` the page says nothing: left out.
 * - The installation stands in the address: the credential's `params: { installation_id: … }`.
 * - Answered with 201, `token` and `expires_at`; tokens are good for one hour.
 * - Limits are told by 403 or 429 ("Rate limits for the REST API",
 *   https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
 * - `DELETE /installation/token` revokes the token it comes with.
 */
export const githubApp: ProviderSpec = {
  base_url: 'https://api.github.com',
  grant_types: ['client_credentials'],
  token: {
    url: '/app/installations/{installation_id}/access_tokens',
    encoding: 'json',
    client_auth: 'private_key_jwt',
    params: {
      grant_type: null,
      scope: null,
      client_id: null,
      client_assertion_type: null,
      client_assertion: null,
    },
    headers: {
      Accept: 'application/vnd.github+json',
      Authorization: 'Bearer {client_assertion}',
      'X-GitHub-Api-Version': '2022-11-28',
    },
  },
  revoke: {
    url: '/installation/token',
    method: 'DELETE',
    client_auth: 'none',
    params: { client_id: null, token: null, token_type_hint: null },
    headers: { Authorization: 'Bearer {token}' },
  },
  assertion_claims: { sub: null, aud: null },
  response: {
    access_token: 'token',
    expires: [{ path: 'expires_at', as: 'iso' }],
    default_lifetime: 3_600_000,
    errors: [{ match: 'rate limit', as: 'temporarily_unavailable' }],
  },
};

import type { ProviderSpec } from '../provider.ts';

/**
 * Revolution API, "Authentication".
 * - One endpoint, `POST https://api.revolution.io/v1/auth/token`, takes JSON for every flow: client credentials are
 *   `grant_type`, `client_id`, `client_secret`.
 * - A person logs in with PKCE. The page sends them to "the authorization endpoint" without naming it: the
 *   configuration must, as `providers: { revolution: { authorize: { url: … } } }`.
 * - "Token exchange" sends `code`, `code_verifier`, `client_id` and `redirect_uri`, and no grant_type; an app has no
 *   secret.
 * - The page shows no answer but `access_token` and says that tokens live 1 hour by default: used when neither
 *   `expires_in` nor the token itself says more.
 * - It names the `refresh_token` of the exchange without showing the refresh request: RFC 6749 §6, as JSON. It says
 *   nothing of rotation.
 */
export const revolution: ProviderSpec = {
  base_url: 'https://api.revolution.io/v1',
  grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
  token: { url: '/auth/token', encoding: 'json', client_auth: 'client_secret_post' },
  exchange: { params: { grant_type: null } },
  authorize: { pkce: 'S256' },
  response: {
    expires: [
      { path: 'expires_in', as: 'seconds' },
      { path: 'access_token', as: 'jwt' },
    ],
    default_lifetime: 3_600_000,
  },
};

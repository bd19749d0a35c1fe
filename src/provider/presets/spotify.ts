import type { ProviderSpec } from '../provider.ts';

/**
 * Spotify, "Client Credentials Flow" and "Refreshing tokens"
 * (https://developer.spotify.com/documentation/web-api/tutorials/client-credentials-flow, …/refreshing-tokens).
 * - `POST https://accounts.spotify.com/api/token`, a form, the client by HTTP Basic: raw.
 * - Access tokens live an hour. A refresh answer may have no refresh token: the one before stays. Refreshing does not
 *   prolong a refresh token, which lives six months from the login.
 * - The authorization code flow with a secret has no PKCE; the one with PKCE has no secret.
 */
export const spotify: ProviderSpec = {
  base_url: 'https://api.spotify.com',
  grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
  token: {
    url: 'https://accounts.spotify.com/api/token',
    client_auth: 'client_secret_basic',
    basic_encoding: 'raw',
  },
  authorize: { url: 'https://accounts.spotify.com/authorize', pkce: 'none' },
  response: { default_lifetime: 3_600_000 },
};

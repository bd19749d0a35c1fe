import type { ProviderSpec } from '../provider.ts';

/**
 * Auth0, "Call Your API Using the Client Credentials Flow"
 * (https://auth0.com/docs/get-started/authentication-and-authorization-flow/client-credentials-flow/call-your-api-using-the-client-credentials-flow).
 * - Every tenant has a domain of its own: base_url comes from the credential.
 * - A form with client_id and client_secret in it, and `audience`, which is the identifier of the API; a credential
 *   writes `audience`.
 * - `audience` stands in the address of the login page too ("Call Your API Using the Authorization Code Flow"); a refresh
 *   token comes with the scope `offline_access`.
 * - With client_auth private_key_jwt `aud` is the domain with a slash behind it, and an assertion is good for at most five
 *   minutes ("Authenticate with Private Key JWT",
 *   https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt).
 * - Where refresh tokens rotate, the one before the current may be sent again for the "rotation overlap period", which is
 *   off unless the application sets it ("Configure Refresh Token Rotation",
 *   https://auth0.com/docs/secure/tokens/refresh-tokens/configure-refresh-token-rotation).
 */
export const auth0: ProviderSpec = {
  grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
  token: { url: '/oauth/token', client_auth: 'client_secret_post' },
  authorize: { url: '/authorize', pkce: 'S256' },
};

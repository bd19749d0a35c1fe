import type { ProviderSpec } from '../provider.ts';

/**
 * Okta, a custom authorization server ("OAuth 2.0 and OpenID Connect overview",
 * https://developer.okta.com/docs/concepts/oauth-openid/; "Client authentication methods",
 * https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth).
 * - Every customer has a domain, and an authorization server in its path: base_url, from the credential, is the issuer,
 *   `https://acme.okta.com/oauth2/default`. Tokens for Okta's own API come from another server: `okta-org`.
 * - A client that was registered without another method uses client_secret_basic.
 * - client_credentials wants a scope, one that was made for that server
 *   ("Implement authorization by grant type", https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/).
 * - `aud` of an assertion must be the very URL that is asked
 *   (https://support.okta.com/help/s/article/the-audience-claim-for-client-assertion-must-be-the-endpoint-invoked-for-the-request).
 */
export const okta: ProviderSpec = {
  grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
  token: { url: '/v1/token' },
  revoke: { url: '/v1/revoke' },
  authorize: { url: '/v1/authorize', pkce: 'S256' },
};

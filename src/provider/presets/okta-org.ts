import type { ProviderSpec } from '../provider.ts';

/**
 * Okta's own API by the org authorization server, "Implement OAuth for Okta with a service app"
 * (https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/).
 * - base_url, from the credential, is the customer's domain, where the API is too.
 * - A service app proves who it is by private_key_jwt and by nothing else, with client_credentials and no other grant.
 * - The header of the assertion names its key: private_key_id, unless a JWK says it
 *   (https://support.okta.com/help/s/article/okta-client-assertion-error-invalid-key-id).
 * - A new app demands DPoP (RFC 9449), which is not spoken here: "Require Demonstrating Proof of Possession" must be off
 *   (https://support.okta.com/help/s/article/the-dpop-proof-jwt-header-is-missing).
 */
export const oktaOrg: ProviderSpec = {
  grant_types: ['client_credentials'],
  token: { url: '/oauth2/v1/token', client_auth: 'private_key_jwt' },
};

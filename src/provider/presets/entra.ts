import { deviceCode } from '../grant-type.ts';
import type { ProviderSpec } from '../provider.ts';

/**
 * Microsoft Entra ID, "OAuth 2.0 client credentials flow on the Microsoft identity platform"
 * (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow) and "… authorization code flow"
 * (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow).
 * - The directory stands in the path: base_url, from the credential, is `https://login.microsoftonline.com/{tenant}`, or the
 *   same in a national cloud.
 * - A form with client_id and client_secret in it.
 * - client_credentials wants one scope, the resource's identifier and `/.default`; they bring no refresh token.
 * - A certificate: `entra-assertion`.
 */
export const entra: ProviderSpec = {
  grant_types: ['client_credentials', 'authorization_code', deviceCode, 'refresh_token'],
  token: { url: '/oauth2/v2.0/token', client_auth: 'client_secret_post' },
  device_authorization: { url: '/oauth2/v2.0/devicecode' },
  authorize: { url: '/oauth2/v2.0/authorize', pkce: 'S256' },
};

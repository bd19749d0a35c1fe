import type { ProviderSpec } from '../provider.ts';

/**
 * Xero, "OAuth 2.0" (https://developer.xero.com/faq/oauth2), and its guides under https://developer.xero.com/documentation/guides/oauth2.
 * - `POST https://identity.xero.com/connect/token`, a form, the client by HTTP Basic: raw, as Xero's own client does.
 * - Access tokens live 30 minutes. Each refresh answer brings the next refresh token; when an answer was lost, the one
 *   before may be sent again "for a grace period of 30 minutes". Unused ones end after 60 days.
 * - Web apps log in without PKCE; an app registered as "Auth Code with PKCE" has no secret
 *   (https://developer.xero.com/documentation/oauth2/pkce-flow).
 * - `POST https://identity.xero.com/connect/revocation` takes the refresh token as `token`, and disconnects the app from
 *   every organisation of its user.
 * - One token is good for every organisation its user has connected: requests to the APIs say which in
 *   `Xero-Tenant-Id`, which is for the caller or the route to write.
 */
export const xero: ProviderSpec = {
  base_url: 'https://api.xero.com',
  grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
  token: {
    url: 'https://identity.xero.com/connect/token',
    client_auth: 'client_secret_basic',
    basic_encoding: 'raw',
  },
  revoke: { url: 'https://identity.xero.com/connect/revocation', params: { token_type_hint: null } },
  authorize: { url: 'https://login.xero.com/identity/connect/authorize', pkce: 'none' },
  response: { default_lifetime: 1_800_000, rotation: { grace: 1_740_000 } },
};

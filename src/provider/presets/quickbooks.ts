import type { ProviderSpec } from '../provider.ts';

/**
 * QuickBooks Online (Intuit), "Set up OAuth 2.0"
 * (https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0), its FAQ, and
 * Intuit's own client (https://github.com/intuit/oauth-jsclient).
 * - `POST https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer`, a form, the client by HTTP Basic.
 * - Access tokens live an hour. The refresh token's value changes about once a day: only the latest is good. It lives
 *   100 days after its last use, at most five years ("Important changes to refresh token policy").
 * - The login page takes client_id, response_type, scope, redirect_uri and state. It says which company was chosen in
 *   `realmId` of the redirect, and not in the token answer; calls have it in their path: `/v3/company/{realmId}/…`.
 * - A token is revoked by JSON with `token` alone, the client by HTTP Basic.
 */
export const quickbooks: ProviderSpec = {
  base_url: 'https://quickbooks.api.intuit.com',
  grant_types: ['authorization_code', 'refresh_token'],
  token: {
    url: 'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer',
    client_auth: 'client_secret_basic',
    basic_encoding: 'raw',
  },
  revoke: {
    url: 'https://developer.api.intuit.com/v2/oauth2/tokens/revoke',
    encoding: 'json',
    params: { token_type_hint: null },
  },
  authorize: { url: 'https://appcenter.intuit.com/connect/oauth2', pkce: 'none' },
  response: { default_lifetime: 3_600_000 },
};

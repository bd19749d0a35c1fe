import type { ProviderSpec } from '../provider.ts';

/**
 * ServiceNow, "OAuth API request parameters", "Client credentials grant" and "Revoke an OAuth token"
 * (https://servicenow.com/docs, Platform Security, Authentication).
 * - Every customer has an instance of its own: base_url comes from the credential.
 * - `POST /oauth_token.do`, a form with client_id and client_secret in it; JSON is answered with an error.
 * - password brings a refresh token too, refresh_token an access token alone. Client credentials are off until an
 *   administrator sets `glide.oauth.inbound.client.credential.grant_type.enabled`.
 * - "Access requests made within the expiration time of the access token always return the current access token": a
 *   renewal ahead of time brings nothing new, and is not repeated at once.
 * - A refusal is `{"error":"server_error","error_description":"access_denied"}`, which nothing but another password or
 *   secret cures; reported by many, and on none of the pages.
 * - `oauth_revoke_token.do?token=…` asks for no client; it takes a token in its query alone.
 */
export const servicenow: ProviderSpec = {
  grant_types: ['client_credentials', 'password', 'authorization_code', 'refresh_token'],
  token: { url: '/oauth_token.do', client_auth: 'client_secret_post' },
  revoke: {
    url: '/oauth_revoke_token.do',
    method: 'GET',
    encoding: 'query',
    client_auth: 'none',
    params: { client_id: null, token_type_hint: null },
  },
  authorize: { url: '/oauth_auth.do', pkce: 'none' },
  response: {
    default_lifetime: 1_800_000,
    errors: [{ match: '"access_denied"', as: 'access_denied' }],
  },
};

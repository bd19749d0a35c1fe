import type { ProviderSpec } from '../provider.ts';

/**
 * Notion for a public connection, "Authorization" (https://developers.notion.com/docs/authorization), "Create a token"
 * (https://developers.notion.com/reference/create-a-token), "Refresh a token" and "Status codes".
 * - client_id and client_secret by HTTP Basic, raw; parameters as JSON; `Notion-Version` with the token request too.
 * - The login page takes `owner=user`; of PKCE and scope nothing is said.
 * - Answers have no lifetime. A refresh brings an access token and a refresh token. That the ones before end is not said:
 *   a token is used for a day, or until the API answers 401. No grace period is documented.
 * - Of revocation only that of access tokens is shown: left out.
 * - `Notion-Version` of API requests is a choice of whoever makes them: it is left to the caller or the route.
 */
export const notion: ProviderSpec = {
  base_url: 'https://api.notion.com',
  grant_types: ['authorization_code', 'refresh_token'],
  token: {
    url: '/v1/oauth/token',
    encoding: 'json',
    basic_encoding: 'raw',
    headers: { 'Notion-Version': '2025-09-03' },
  },
  authorize: { url: '/v1/oauth/authorize', pkce: 'none', params: { owner: 'user' } },
  response: {
    expires: [],
    default_lifetime: 86_400_000,
    errors: [{ match: '"code"\\s*:\\s*"invalid_grant"', as: 'invalid_grant' }],
  },
};

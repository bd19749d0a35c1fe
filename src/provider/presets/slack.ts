import type { ProviderSpec } from '../provider.ts';

/**
 * Slack for an app's bot whose tokens rotate, "Using token rotation"
 * (https://docs.slack.dev/authentication/using-token-rotation), "Installing with OAuth"
 * (https://docs.slack.dev/authentication/installing-with-oauth) and "oauth.v2.access"
 * (https://docs.slack.dev/reference/methods/oauth.v2.access).
 * - client_id and client_secret by HTTP Basic, which the method's page prefers.
 * - Scopes are separated by commas; the answer's first token is the bot's. That of a user stands in `authed_user`, and
 *   is not read here.
 * - Every refusal is 200 with `{"ok":false,"error":…}`.
 * - A token is good for twelve hours; a refresh token for one use. No grace period is documented.
 * - The login page's address is https, and so must redirect_uri be.
 */
export const slack: ProviderSpec = {
  base_url: 'https://slack.com/api',
  grant_types: ['authorization_code', 'refresh_token'],
  token: { url: '/oauth.v2.access', basic_encoding: 'raw' },
  authorize: { url: 'https://slack.com/oauth/v2/authorize', pkce: 'none' },
  response: {
    default_lifetime: 43_200_000,
    errors: [
      { match: '"error"\\s*:\\s*"(?:invalid_client_id|bad_client_secret)"', as: 'invalid_client' },
      {
        match: '"error"\\s*:\\s*"(?:invalid_refresh_token|invalid_code|token_revoked|token_expired)"',
        as: 'invalid_grant',
      },
      { match: '"error"\\s*:\\s*"ratelimited"', as: 'slow_down' },
      {
        match: '"error"\\s*:\\s*"(?:internal_error|fatal_error|service_unavailable|request_timeout)"',
        as: 'temporarily_unavailable',
      },
    ],
  },
};

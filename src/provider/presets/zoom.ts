import type { ProviderSpec } from '../provider.ts';

/**
 * Zoom for a person who logs in, "OAuth 2.0" (https://developers.zoom.us/docs/integrations/oauth/).
 * - client_id and client_secret by HTTP Basic, "Base64-encoded" with a colon between them: raw.
 * - The login page knows PKCE; of scope its page says nothing: those of the app count.
 * - Every refresh brings the next refresh token, and only the latest is good. No grace period is documented.
 * - Of revocation only that of access tokens is shown: left out.
 */
export const zoom: ProviderSpec = {
  base_url: 'https://api.zoom.us/v2',
  grant_types: ['authorization_code', 'refresh_token'],
  token: { url: 'https://zoom.us/oauth/token', basic_encoding: 'raw' },
  authorize: { url: 'https://zoom.us/oauth/authorize', pkce: 'S256' },
};

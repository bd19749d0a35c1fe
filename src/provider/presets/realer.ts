import type { ProviderSpec } from '../provider.ts';

/**
 * Realer, "Device authentication" (`POST https://api.therealer.com/oauth/token`).
 * - Form body; client_id and client_secret only by HTTP Basic, "Base64 encoding of client_id and client_secret joined
 *   by a single colon": raw, without the form-urlencoding of RFC 6749 §2.3.1.
 * - `renew_after` (2700 of 3600 seconds by default) says when renewal should start.
 * - No refresh token: client_credentials again.
 * - Without a scope the token gets `iot:catalog:read` and `iot:feed-data:write`.
 * - `POST /oauth/revoke` takes `token` alone and succeeds for unknown tokens too; MQTT credentials that came of the
 *   token end with it.
 */
export const realer: ProviderSpec = {
  base_url: 'https://api.therealer.com',
  grant_types: ['client_credentials'],
  token: { url: '/oauth/token', client_auth: 'client_secret_basic', basic_encoding: 'raw' },
  revoke: { url: '/oauth/revoke', params: { token_type_hint: null } },
  response: { renew_after: 'renew_after', default_lifetime: 3_600_000 },
};

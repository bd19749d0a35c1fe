import type { ProviderSpec } from '../provider.ts';

/**
 * Revolv3, "Get Merchant Access Token" (`POST https://api.revolv3.com/api/Authentication/token`).
 * - JSON sent as `application/json-patch+json`; another content type is answered with 415.
 * - `clientId` and `clientSecret`, and no grant_type.
 * - `expires_in` in seconds, and `expirationTime`, a UTC date that may have seven fraction digits or no zone.
 *   Another page of theirs says a token lasts one minute: only the answer is believed.
 */
export const revolv3: ProviderSpec = {
  base_url: 'https://api.revolv3.com',
  grant_types: ['client_credentials'],
  token: {
    url: '/api/Authentication/token',
    encoding: 'json',
    content_type: 'application/json-patch+json',
    client_auth: 'client_secret_post',
    params: { grant_type: null },
    rename: { client_id: 'clientId', client_secret: 'clientSecret' },
  },
  response: {
    expires: [
      { path: 'expires_in', as: 'seconds' },
      { path: 'expirationTime', as: 'iso' },
    ],
  },
};

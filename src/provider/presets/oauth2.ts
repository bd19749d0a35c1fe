import type { Provider } from '../provider.ts';

/**
 * Plain RFC 6749, and the layer under every provider: whatever nobody says is said here. It has no addresses:
 * `token.url` must come from what extends it. Lifetime 5 minutes when the answer gives none (§5.1 only recommends
 * `expires_in`). A rotated refresh token may be replayed for 25 seconds, under the 30 that authorization servers with a
 * grace period commonly give.
 */
export const oauth2 = {
  token: {
    url: '',
    method: 'POST',
    encoding: 'form',
    client_auth: 'client_secret_basic',
    basic_encoding: 'rfc6749',
    params: {},
    rename: {},
    headers: {},
  },
  assertion_claims: {},
  response: {
    access_token: 'access_token',
    refresh_token: 'refresh_token',
    tenant: '',
    expires: [{ path: 'expires_in', as: 'seconds' }],
    renew_after: '',
    default_lifetime: 300_000,
    errors: [],
    rotation: { grace: 25_000, replay_after_grace: false },
  },
  attach: { header: 'Authorization', value: 'Bearer {access_token}', headers: {} },
  refused: { status: [401] },
} as const satisfies Omit<Provider, 'name' | 'refresh' | 'exchange'>;

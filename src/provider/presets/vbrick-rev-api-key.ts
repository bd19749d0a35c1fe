import type { ProviderSpec } from '../provider.ts';

/**
 * Rev by Vbrick, "Rev User-Level API Key Authentication" (`POST /api/v2/authenticate`): the session of one user, with
 * grant_type client_credentials; client_id is the user's API key, client_secret its secret.
 * - JSON `{apiKey, secret}`, nothing else; answered with `{token, issuer, expiration}`.
 * - A session ends when it has not been used for the time an administrator sets, and is prolonged without another
 *   token: `POST /api/v2/auth/extend-session-timeout/{apiKey}` with the token and no body, answered with `{expiration}`
 *   (Vbrick's own client).
 */
export const vbrickRevApiKey: ProviderSpec = {
  extends: 'vbrick-rev',
  grant_types: ['client_credentials'],
  token: {
    url: '/api/v2/authenticate',
    client_auth: 'client_secret_post',
    rename: { client_secret: 'secret' },
    params: { grant_type: null, scope: null },
  },
  extend: {
    url: '/api/v2/auth/extend-session-timeout/{client_id}',
    encoding: 'query',
    client_auth: 'none',
    params: { client_id: null },
  },
  authorize: null,
  response: { access_token: 'token' },
};

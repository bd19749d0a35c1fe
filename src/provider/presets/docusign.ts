import { jwtBearer } from '../grant-type.ts';
import type { ProviderSpec } from '../provider.ts';

/**
 * Docusign, "How to get an access token with JWT Grant" (https://developers.docusign.com/platform/auth/jwt-get-token) and "How to
 * get an access token with Confidential Authorization Code Grant" (…/confidential-authcode-get-token).
 * - `POST https://account.docusign.com/oauth/token`, a form. With jwt-bearer the assertion is all there is in it: the
 *   claims say who asks (`iss`, the integration key), for whom (`sub`, the user's id) and for what (`scope`, with
 *   `impersonation`); `aud` is the host alone, without a scheme.
 * - `consent_required` with status 400 stays what it is: the user, or an administrator, has to grant consent to the
 *   integration key once ("OAuth JWT: Granting Consent").
 * - A code or a refresh token is spent with integration key and secret key by HTTP Basic. The answer to a refresh brings
 *   the next refresh token; they live 30 days ("Authorization Code Grant refresh tokens").
 * - Access tokens live an hour (JWT) or eight hours.
 * - Where an account's API is, `GET /oauth/userinfo` tells as its base_uri: the route says it.
 */
export const docusign: ProviderSpec = {
  grant_types: [jwtBearer, 'authorization_code', 'refresh_token'],
  token: {
    url: 'https://account.docusign.com/oauth/token',
    client_auth: 'none',
    params: { client_id: null, scope: null },
  },
  exchange: { client_auth: 'client_secret_basic', basic_encoding: 'raw' },
  refresh: { client_auth: 'client_secret_basic', basic_encoding: 'raw' },
  authorize: { url: 'https://account.docusign.com/oauth/auth', pkce: 'none' },
  assertion_claims: { aud: 'account.docusign.com', scope: 'signature impersonation' },
  response: { default_lifetime: 3_600_000 },
};

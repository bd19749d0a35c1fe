import type { ProviderSpec } from '../provider.ts';

/**
 * Revo Digital (LeadConnector, HighLevel), "Get Location Access Token from Agency Token" (`POST /oauth/locationToken`):
 * the token of one sub-account for that of its company, with grant_type client_credentials and `using:` a revo-digital
 * credential of `user_type: Company` and scope `oauth.write`.
 * - A form with `companyId` and `locationId`, and the `Version` field; the company's token says who asks.
 * - A credential writes `params: { companyId: … }`. The location is its tenant; without tenants it writes `locationId`
 *   there too.
 * - The answer has no refresh token: the exchange is asked for again.
 */
export const revoDigitalLocation: ProviderSpec = {
  extends: 'revo-digital',
  grant_types: ['client_credentials'],
  token: {
    url: '/oauth/locationToken',
    client_auth: 'none',
    params: { grant_type: null, client_id: null, scope: null, user_type: null, locationId: '{tenant}' },
    headers: { Version: '2021-07-28' },
  },
  authorize: null,
};

import type { ProviderSpec } from '../provider.ts';

/**
 * SAP BTP, Authorization and Trust Management service (XSUAA): the token endpoint of a service key, `url` + `/oauth/token`
 * ("OAuth 2.0 Client Credentials", help.sap.com; Cloud Foundry UAA, "Client Credentials Grant", https://docs.cloudfoundry.org/api/uaa).
 * - base_url is `uaa.url` of the service key, one for each subaccount: `https://SUBDOMAIN.authentication.LANDSCAPE`.
 * - A form with client_id and client_secret in it, and not by HTTP Basic, where a secret with `+` fails unless a field
 *   says that it is encoded ("Token Retrieval Fails With Status Code 401", https://github.com/SAP-docs/btp-cloud-platform).
 * - "Bad credentials" and "Client authentication failed" come with status 401.
 * - Tokens live 43,199 seconds unless the service says otherwise ("Generating SAP Entitlement Management OAuth
 *   Credentials", https://learning.sap.com).
 */
export const sapXsuaa: ProviderSpec = {
  grant_types: ['client_credentials'],
  token: { url: '/oauth/token', client_auth: 'client_secret_post' },
};

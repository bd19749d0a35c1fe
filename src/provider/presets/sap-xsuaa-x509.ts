import type { ProviderSpec } from '../provider.ts';

/**
 * SAP BTP, XSUAA with the certificate of a service key ("Implementing Custom Token Retrieval from SAP Authorization and
 * Trust Management Service with X.509 Secrets", https://github.com/SAP-docs/btp-cloud-platform).
 * - base_url is `certurl` of the service key: `https://SUBDOMAIN.authentication.cert.LANDSCAPE`.
 * - client_id in a form; the certificate on the connection is the proof (RFC 8705).
 * - A certificate that the service made lives 7 days by default: its files are read again when they change.
 */
export const sapXsuaaX509: ProviderSpec = {
  extends: 'sap-xsuaa',
  token: { client_auth: 'tls_client_auth' },
};

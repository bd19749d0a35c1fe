import type { ProviderSpec } from '../provider.ts';

/**
 * Microsoft Entra ID without a client secret: a certificate, or a federated credential.
 * - "Microsoft identity platform application authentication certificate credentials"
 *   (https://learn.microsoft.com/entra/identity-platform/certificate-credentials): the assertion is signed with PS256, and
 *   its header names the certificate by `x5t#S256`: private_key is the PEM of the key and of its certificate.
 * - A federated credential ("Access token request with a federated credential", on the page of client credentials) is
 *   another provider's JWT, such as a Kubernetes service account's: client_assertion.
 */
export const entraAssertion: ProviderSpec = {
  extends: 'entra',
  token: { client_auth: 'private_key_jwt' },
};

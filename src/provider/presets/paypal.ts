import type { ProviderSpec } from '../provider.ts';

/**
 * PayPal, "Authentication" (https://developer.paypal.com/api/rest/authentication).
 * - `POST https://api-m.paypal.com/v1/oauth2/token`, a form, the client by HTTP Basic: raw.
 * - Client credentials, and no refresh token. `expires_in` is some nine hours; APIs answer 401 to an expired token.
 * - The sandbox is the same at `https://api-m.sandbox.paypal.com`, which is for base_url.
 */
export const paypal: ProviderSpec = {
  base_url: 'https://api-m.paypal.com',
  grant_types: ['client_credentials'],
  token: { url: '/v1/oauth2/token', client_auth: 'client_secret_basic', basic_encoding: 'raw' },
};

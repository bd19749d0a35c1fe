import type { ProviderSpec } from '../provider.ts';

/**
 * Twilio, "Twilio API requests" (https://twilio.com/docs/usage/requests-to-twilio).
 * - HTTP Basic: an API key's SID and its secret, or the Account SID and its Auth Token.
 * - Paths of `https://api.twilio.com` hold the Account SID; other products have hosts of their own, which are for the
 *   route.
 * - What it does not accept is answered with 401 and code 20003.
 */
export const twilio: ProviderSpec = {
  extends: 'basic-key',
  base_url: 'https://api.twilio.com',
};

import type { ProviderSpec } from '../provider.ts';

/**
 * Realer, "Control device MQTT flow" (`POST /iot/v1/mqtt-credentials`): a short-lived MQTT credential for a device token,
 * with grant_type client_credentials and `using:` a realer credential that has the scope `iot:mqtt:connect`.
 * - The device token says who asks. Bodies of `iot/v1` are JSON; the page shows none here, so an empty object is sent,
 *   and whatever the credential's `params` say.
 * - Answered with `mqtt_client_id`, `mqtt_username`, `mqtt_credential`, `expires_in` and `renew_after`.
 * - It ends with its device token; revoking it alone is not documented.
 */
export const realerMqtt: ProviderSpec = {
  extends: 'realer',
  token: {
    url: '/iot/v1/mqtt-credentials',
    encoding: 'json',
    client_auth: 'none',
    params: { grant_type: null, client_id: null, scope: null },
  },
  revoke: null,
  response: { access_token: 'mqtt_credential', default_lifetime: 300_000 },
};

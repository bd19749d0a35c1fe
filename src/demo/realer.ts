import { randomBytes, randomUUID } from 'node:crypto';
import { type IssuedToken, Ledger } from './ledger.ts';
import {
  type Answer,
  basicPair,
  hasMediaType,
  readForm,
  readJson,
  schemeValue,
  type VendorRequest,
} from './message.ts';
import { startVendor } from './start-vendor.ts';
import type { Definition, Endpoint, OwnHandles, Vendor, VendorOptions } from './vendor.ts';

export interface RealerVendor extends Vendor {
  /** Living access tokens that the client has revoked; revoking an unknown one does not count. */
  readonly revocations: number;
  /** Whether the broker would let somebody in with this MQTT credential. */
  isMqttCredential(value: string): boolean;
}

/** Realer, Device authentication: "OAuth scope reference". */
const scopes = new Set([
  'iot:catalog:read',
  'iot:feed-data:write',
  'iot:mqtt:connect',
  'iot:mqtt:desired:read',
  'iot:mqtt:ack:read',
  'iot:mqtt:feed-data:write',
]);
const defaultScope = 'iot:catalog:read iot:feed-data:write';

/**
 * Realer ("Device authentication"): form and HTTP Basic only, client credentials only, `renew_after` at three quarters
 * of the lifetime, revocation. Id and secret are "joined by a single colon" and Base64 encoded, nothing else: the
 * secret here has characters that form encoding would change. API errors carry a numeric code besides the status (4001
 * unauthorized, 4003 policy).
 *
 * MQTT credentials (`POST /iot/v1/mqtt-credentials`) end with the token they were asked for with, when that is revoked,
 * but not when it expires. No page gives their lifetime: here it is that of a token.
 */
export async function startRealer(options: VendorOptions = {}): Promise<RealerVendor> {
  const client = {
    id: `cdv_${randomBytes(13).toString('hex')}`,
    secret: `${randomBytes(18).toString('hex')}+/%3A:=`,
  };
  const accepted = new Set<string>();

  /** Checks what both OAuth endpoints ask for: media type, repeated parameters, client authentication. */
  function readOAuth(request: VendorRequest): ReadonlyMap<string, string> | Answer {
    const form = hasMediaType(request, 'application/x-www-form-urlencoded') ? readForm(request) : undefined;
    if (form === undefined) {
      return oauthError(
        400,
        'invalid_request',
        'The body must be form-encoded, each parameter at most once.',
      );
    }
    const basic = basicPair(request);
    if (basic?.id !== client.id || basic.secret !== client.secret) {
      const refusal = oauthError(401, 'invalid_client', 'Invalid client authentication.');
      return { ...refusal, headers: { ...refusal.headers, 'WWW-Authenticate': 'Basic realm="realer"' } };
    }
    if (form.has('client_secret')) {
      return oauthError(
        400,
        'invalid_request',
        'Client credentials must be provided via HTTP Basic Authentication.',
      );
    }
    return form;
  }

  function define(ledger: Ledger): Definition<OwnHandles<RealerVendor> & Pick<Vendor, 'revokeAll'>> {
    const mqtt = new Ledger(ledger.now, 0);
    let revocations = 0;

    function token(request: VendorRequest): Answer {
      const form = readOAuth(request);
      if ('status' in form) return form;
      const grantType = form.get('grant_type');
      if (grantType === undefined) return oauthError(400, 'invalid_request', 'grant_type is required');
      if (grantType !== 'client_credentials') {
        return oauthError(400, 'unsupported_grant_type', 'grant_type must be client_credentials');
      }
      const scope = form.get('scope') ?? defaultScope;
      if (!scope.split(' ').every((one) => scopes.has(one))) {
        return oauthError(400, 'invalid_scope', 'An unknown scope was requested.');
      }
      return {
        status: 200,
        headers: noStore,
        json: {
          access_token: ledger.issue(randomBytes(15).toString('hex'), { scope }).value,
          token_type: 'Bearer',
          expires_in: ledger.lifetime,
          renew_after: Math.floor(ledger.lifetime * 0.75),
          scope,
        },
      };
    }

    /** Idempotent, and the same answer for unknown tokens. */
    function revoke(request: VendorRequest): Answer {
      const form = readOAuth(request);
      if ('status' in form) return form;
      const value = form.get('token');
      if (value === undefined) return oauthError(400, 'invalid_request', 'token is required');
      if (ledger.find(value) !== undefined) revocations++;
      ledger.revoke(value);
      mqtt.revokeWhere('bearer', value);
      return { status: 200, headers: noStore, json: {} };
    }

    function issueMqtt(request: VendorRequest, issued: IssuedToken): Answer {
      const refusal = refusedScope(issued, 'iot:mqtt:connect');
      if (refusal !== undefined) return refusal;
      if (request.body !== '' && !(hasMediaType(request, 'application/json') && readJson(request)))
        return apiError(400, 'A body must be a JSON object.');
      mqtt.lifetime = ledger.lifetime;
      const { value } = mqtt.issue(randomBytes(24).toString('base64url'), { bearer: issued.value });
      return {
        status: 200,
        headers: noStore,
        json: {
          mqtt_client_id: client.id,
          mqtt_username: client.id,
          mqtt_credential: value,
          expires_in: mqtt.lifetime,
          renew_after: Math.floor(mqtt.lifetime * 0.75),
        },
      };
    }

    const endpoints: readonly Endpoint[] = [
      { method: 'POST', path: /^\/oauth\/revoke$/, open: true, answer: revoke },
      { method: 'POST', path: /^\/iot\/v1\/mqtt-credentials$/, issues: true, answer: issueMqtt },
      {
        method: 'GET',
        path: /^\/iot\/v1\/catalog$/,
        answer: (_request, issued) =>
          refusedScope(issued, 'iot:catalog:read') ?? {
            status: 200,
            json: {
              commands: [{ name: 'set_temperature' }],
              sensors: [{ name: 'temperature', unit: 'celsius' }],
            },
          },
      },
      {
        method: 'POST',
        path: /^\/iot\/v1\/feed-data$/,
        answer(request, issued) {
          const refusal = refusedScope(issued, 'iot:feed-data:write');
          if (refusal !== undefined) return refusal;
          const body = hasMediaType(request, 'application/json') ? readJson(request) : undefined;
          if (typeof body?.message_id !== 'string')
            return apiError(400, 'A JSON body with message_id is required.');
          const isNew = !accepted.has(body.message_id);
          accepted.add(body.message_id);
          return { status: isNew ? 202 : 200, json: { message_id: body.message_id, accepted: true } };
        },
      },
    ];

    return {
      name: 'realer',
      tokenPath: '/oauth/token',
      env: (url) => ({ REALER_URL: url, REALER_CLIENT_ID: client.id, REALER_CLIENT_SECRET: client.secret }),
      error: apiError,
      endpoints,
      token,
      handles: {
        get revocations() {
          return revocations;
        },
        isMqttCredential: (value: string) => mqtt.find(value) !== undefined,
        revokeAll() {
          ledger.revokeAll();
          mqtt.revokeAll();
        },
      },
      authorize: (request) =>
        ledger.find(schemeValue(request, 'Bearer')) ?? {
          ...apiError(401, 'Unauthorized.'),
          headers: { 'WWW-Authenticate': 'Bearer' },
        },
    };
  }

  return startVendor(3600, define, options);
}

const noStore = { 'Cache-Control': 'no-store', Pragma: 'no-cache' };

function refusedScope(issued: IssuedToken, scope: string): Answer | undefined {
  return issued.facts.scope?.split(' ').includes(scope)
    ? undefined
    : apiError(403, `The token lacks ${scope}.`);
}

function oauthError(status: number, error: string, description: string): Answer {
  return {
    status,
    headers: noStore,
    json: { error, error_description: description, request_id: randomUUID() },
  };
}

function apiError(status: number, message: string): Answer {
  const codes: Record<number, number> = { 401: 4001, 403: 4003, 429: 4029 };
  return { status, json: { code: codes[status] ?? status * 10, message, request_id: randomUUID() } };
}

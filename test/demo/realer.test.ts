import { fetch } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RealerVendor, startRealer } from '../../src/demo/realer.ts';
import { basic, get, postForm, postJson } from './calls.ts';

let vendor: RealerVendor;
let now = 1_700_000_000_000;
beforeEach(async () => {
  vendor = await startRealer({ now: () => now });
});
afterEach(() => vendor.close());

const tokenUrl = () => `${vendor.url}/oauth/token`;
const client = () => basic(vendor.env.REALER_CLIENT_ID, vendor.env.REALER_CLIENT_SECRET);
const grant = { grant_type: 'client_credentials' };
const tokenFor = async (scope?: string) => {
  const { json } = await postForm(tokenUrl(), scope === undefined ? grant : { ...grant, scope }, client());
  return { Authorization: `Bearer ${json.access_token}` };
};
const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);

describe('the token endpoint', () => {
  test('answers the example request as the page shows', async () => {
    const scope = 'iot:catalog:read iot:feed-data:write';
    const { status, json } = await postForm(tokenUrl(), { ...grant, scope }, client());
    expect(status).toBe(200);
    expect(json).toEqual({
      access_token: expect.stringMatching(/^[0-9a-f]{30}$/),
      token_type: 'Bearer',
      expires_in: 3600,
      renew_after: 2700,
      scope,
    });
  });

  test('gives the default scopes when none is asked for', async () => {
    const { json } = await postForm(tokenUrl(), grant, client());
    expect(json.scope).toBe('iot:catalog:read iot:feed-data:write');
  });

  test('says in its own words that grant_type is required', async () => {
    expect(await postForm(tokenUrl(), {}, client())).toMatchObject({
      status: 400,
      json: { error: 'invalid_request', error_description: 'grant_type is required', request_id: uuid },
    });
  });

  test.each([
    ['no client authentication', () => ({})],
    ['a wrong secret', () => basic(vendor.env.REALER_CLIENT_ID, 'wrong')],
    [
      'id and secret form-encoded before Base64',
      () =>
        basic(
          encodeURIComponent(vendor.env.REALER_CLIENT_ID ?? ''),
          encodeURIComponent(vendor.env.REALER_CLIENT_SECRET ?? ''),
        ),
    ],
  ])('refuses %s', async (_title, headers: () => Record<string, string>) => {
    const answer = await postForm(tokenUrl(), grant, headers());
    expect(answer).toMatchObject({
      status: 401,
      json: {
        error: 'invalid_client',
        error_description: 'Invalid client authentication.',
        request_id: uuid,
      },
    });
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="realer"');
  });

  test('refuses credentials in the body, with and without Basic', async () => {
    const body = {
      ...grant,
      client_id: vendor.env.REALER_CLIENT_ID ?? '',
      client_secret: vendor.env.REALER_CLIENT_SECRET ?? '',
    };
    expect(await postForm(tokenUrl(), body)).toMatchObject({
      status: 401,
      json: { error: 'invalid_client' },
    });
    expect(await postForm(tokenUrl(), body, client())).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
  });

  test.each([
    ['an unknown scope', { scope: 'iot:catalog:read iot:everything' }, 'invalid_scope'],
    ['another grant type', { grant_type: 'refresh_token' }, 'unsupported_grant_type'],
  ])('refuses %s', async (_title, change, error) => {
    const answer = await postForm(tokenUrl(), { ...grant, ...change }, client());
    expect(answer).toMatchObject({ status: 400, json: { error, request_id: uuid } });
  });

  test('refuses JSON', async () => {
    expect(await postJson(tokenUrl(), grant, client())).toMatchObject({
      status: 400,
      json: { error: 'invalid_request' },
    });
  });

  test('refuses a repeated parameter', async () => {
    const response = await fetch(tokenUrl(), {
      method: 'POST',
      headers: { ...client(), 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials&grant_type=client_credentials',
    });
    expect(response.status).toBe(400);
  });
});

describe('the revocation endpoint', () => {
  const revoke = (token: string) => postForm(`${vendor.url}/oauth/revoke`, { token }, client());

  test('revokes a token, and says the same for one it does not know', async () => {
    const headers = await tokenFor();
    for (const token of [headers.Authorization.slice(7), headers.Authorization.slice(7), 'unknown']) {
      const answer = await revoke(token);
      expect(answer).toMatchObject({ status: 200, json: {} });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('pragma')).toBe('no-cache');
    }
    expect((await get(`${vendor.url}/iot/v1/catalog`, headers)).status).toBe(401);
    expect(vendor.revocations).toBe(1);
  });

  test('leaves other tokens alone', async () => {
    const [one, other] = [await tokenFor(), await tokenFor()];
    await revoke(one.Authorization.slice(7));
    expect((await get(`${vendor.url}/iot/v1/catalog`, other)).status).toBe(200);
  });

  test('needs client authentication and a token', async () => {
    expect((await postForm(`${vendor.url}/oauth/revoke`, { token: 'x' })).status).toBe(401);
    expect((await postForm(`${vendor.url}/oauth/revoke`, {}, client())).status).toBe(400);
  });
});

describe('MQTT credentials', () => {
  const url = () => `${vendor.url}/iot/v1/mqtt-credentials`;
  const scope = 'iot:mqtt:connect iot:catalog:read';

  test('are for the bearer of a token with the scope, and are no token', async () => {
    const { status, json } = await postJson(url(), {}, await tokenFor(scope));
    expect(status).toBe(200);
    expect(json).toEqual({
      mqtt_client_id: vendor.env.REALER_CLIENT_ID,
      mqtt_username: vendor.env.REALER_CLIENT_ID,
      mqtt_credential: expect.any(String),
      expires_in: 3600,
      renew_after: 2700,
    });
    const credential = String(json.mqtt_credential);
    expect(vendor.isMqttCredential(credential)).toBe(true);
    expect(vendor.isMqttCredential('unknown')).toBe(false);
    const asToken = { Authorization: `Bearer ${credential}` };
    expect((await get(`${vendor.url}/iot/v1/catalog`, asToken)).status).toBe(401);
    expect(vendor.tokenCalls).toBe(2);
  });

  test('are refused without the scope, without a token, and to a form', async () => {
    expect(await postJson(url(), {}, await tokenFor())).toMatchObject({ status: 403, json: { code: 4003 } });
    expect(await postJson(url(), {})).toMatchObject({ status: 401, json: { code: 4001 } });
    expect((await postForm(url(), { a: 'b' }, await tokenFor(scope))).status).toBe(400);
  });

  test('end with the token when it is revoked, and not when it expires', async () => {
    const obtain = async () => {
      const headers = await tokenFor(scope);
      const { json } = await postJson(url(), {}, headers);
      return { token: headers.Authorization.slice(7), credential: String(json.mqtt_credential) };
    };
    const [revoked, kept] = [await obtain(), await obtain()];
    await postForm(`${vendor.url}/oauth/revoke`, { token: revoked.token }, client());
    expect(vendor.isMqttCredential(revoked.credential)).toBe(false);
    expect(vendor.isMqttCredential(kept.credential)).toBe(true);
    vendor.expireAll();
    expect(vendor.isMqttCredential(kept.credential)).toBe(true);
    now += 3_600_000;
    expect(vendor.isMqttCredential(kept.credential)).toBe(false);
    const last = await obtain();
    vendor.revokeAll();
    expect(vendor.isMqttCredential(last.credential)).toBe(false);
  });
});

describe('the API', () => {
  test('reads the catalog and takes feed data with the default scopes', async () => {
    const headers = await tokenFor();
    expect((await get(`${vendor.url}/iot/v1/catalog`, headers)).status).toBe(200);
    const data = { message_id: 'm-1', value: 21.5 };
    expect((await postJson(`${vendor.url}/iot/v1/feed-data`, data, headers)).status).toBe(202);
    expect((await postJson(`${vendor.url}/iot/v1/feed-data`, data, headers)).status).toBe(200);
  });

  test('answers 403 with code 4003 when the scope lacks', async () => {
    const headers = await tokenFor('iot:catalog:read');
    expect(await postJson(`${vendor.url}/iot/v1/feed-data`, { message_id: 'm-1' }, headers)).toMatchObject({
      status: 403,
      json: { code: 4003, request_id: uuid },
    });
  });

  test('answers 401 with code 4001 to a foreign or expired token and to Basic', async () => {
    const headers = await tokenFor();
    const url = `${vendor.url}/iot/v1/catalog`;
    now += 3_600_000;
    for (const one of [headers, { Authorization: 'Bearer b11db7f6c816568eb3b156df3aeaa5' }, client(), {}]) {
      expect(await get(url, one)).toMatchObject({ status: 401, json: { code: 4001 } });
    }
  });
});

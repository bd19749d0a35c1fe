import { fetch } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startVendors, type Vendors } from '../../src/demo/vendors.ts';
import { presets } from '../../src/provider/presets.ts';
import { buildTokenRequest, type TokenRequestInput } from '../../src/provider/request.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import { basic, get, postForm } from './calls.ts';

/** What the presets send besides plain token requests, against the vendors they describe. */
let vendors: Vendors;
beforeEach(async () => {
  vendors = await startVendors();
});
afterEach(() => vendors.close());

async function send(
  preset: string,
  base_url: string,
  input: Partial<TokenRequestInput>,
): Promise<{ status: number; json: Record<string, string> }> {
  const provider = resolveProvider(preset, { extends: preset, base_url }, presets);
  const request = buildTokenRequest({
    provider,
    kind: 'token',
    params: { grant_type: 'client_credentials' },
    credentialParams: {},
    client: {},
    placeholders: {},
    ...input,
  });
  const { method, headers, body } = request;
  const response = await fetch(request.url, { method, headers, body: body ?? null });
  return { status: response.status, json: (await response.json()) as Record<string, string> };
}

async function realerToken(): Promise<string> {
  const { url, env } = vendors.realer;
  const form = { grant_type: 'client_credentials', scope: 'iot:catalog:read iot:mqtt:connect' };
  const client = basic(env.REALER_CLIENT_ID, env.REALER_CLIENT_SECRET);
  return String((await postForm(`${url}/oauth/token`, form, client)).json.access_token);
}

test('realer-mqtt gets an MQTT credential with a device token', async () => {
  const fields = ['Authorization', `Bearer ${await realerToken()}`];
  const { status, json } = await send('realer-mqtt', vendors.realer.url, { fields });
  expect(status).toBe(200);
  expect(vendors.realer.isMqttCredential(json.mqtt_credential ?? '')).toBe(true);
});

test('realer revokes a token', async () => {
  const { env, url } = vendors.realer;
  const token = await realerToken();
  const { status } = await send('realer', url, {
    kind: 'revoke',
    params: { token, token_type_hint: 'access_token' },
    client: { id: env.REALER_CLIENT_ID, secret: env.REALER_CLIENT_SECRET },
  });
  expect(status).toBe(200);
  expect(vendors.realer.revocations).toBe(1);
  expect((await get(`${url}/iot/v1/catalog`, { Authorization: `Bearer ${token}` })).status).toBe(401);
});

test('revo-digital-location gets the token of a location with that of the company', async () => {
  const { env, url, companyId, locationIds } = vendors.revoDigital;
  const company = await postForm(`${url}/oauth/token`, {
    grant_type: 'refresh_token',
    client_id: env.REVO_DIGITAL_CLIENT_ID ?? '',
    client_secret: env.REVO_DIGITAL_CLIENT_SECRET ?? '',
    refresh_token: env.REVO_DIGITAL_COMPANY_REFRESH_TOKEN ?? '',
    user_type: 'Company',
  });
  const { status, json } = await send('revo-digital-location', url, {
    credentialParams: { companyId },
    placeholders: { tenant: locationIds[1] },
    fields: ['Authorization', `Bearer ${company.json.access_token}`],
  });
  expect(status).toBe(200);
  const headers = { Authorization: `Bearer ${json.access_token}`, Version: '2021-07-28' };
  expect((await get(`${url}/contacts/?locationId=${locationIds[1]}`, headers)).status).toBe(200);
});

test('vbrick-rev-api-key logs in and extends the session', async () => {
  const { env, url } = vendors.vbrickRev;
  const client = { id: env.REV_API_KEY, secret: env.REV_SECRET };
  const login = await send('vbrick-rev-api-key', url, { client });
  expect(login.status).toBe(200);
  const fields = ['Authorization', `VBrick ${login.json.token}`];
  expect((await get(`${url}/api/v2/videos`, { Authorization: fields[1] ?? '' })).status).toBe(200);
  const extended = await send('vbrick-rev-api-key', url, { kind: 'extend', params: {}, client, fields });
  expect(extended.status).toBe(200);
  expect(Date.parse(extended.json.expiration ?? '')).toBeGreaterThanOrEqual(
    Date.parse(login.json.expiration ?? ''),
  );
  expect(vendors.vbrickRev.extensions).toBe(1);
});

import { fetch } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startVendors, type Vendors } from '../../src/demo/vendors.ts';
import { renderAttach } from '../../src/provider/attach.ts';
import { presets } from '../../src/provider/presets.ts';
import type { Provider } from '../../src/provider/provider.ts';
import { buildTokenRequest, type TokenRequestInput } from '../../src/provider/request.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import { readTokenAnswer, type TokenAnswer, type TokenRefusal } from '../../src/provider/response.ts';

/** Presets against the vendors they describe: what Cupbearer would send, and what it makes of the answer. */
interface Case {
  readonly preset: string;
  /** Prefix of the vendor's environment variables. */
  readonly prefix: string;
  readonly grant: 'client_credentials' | 'refresh_token';
  /** A call of the vendor's API, under base_url. */
  readonly api: string;
  /** Name of the client id's variable, when it is not CLIENT_ID. */
  readonly idName?: string;
  readonly fields?: Record<string, string>;
  readonly lifetimeMs: number;
  readonly renewAfterMs?: number;
  readonly rotates?: true;
}

const cases: Case[] = [
  {
    preset: 'revolution',
    prefix: 'REVOLUTION',
    grant: 'client_credentials',
    api: '/devices',
    lifetimeMs: 3_600_000,
  },
  {
    preset: 'vbrick-rev',
    prefix: 'REV',
    grant: 'refresh_token',
    api: '/api/v2/videos',
    idName: 'API_KEY',
    lifetimeMs: 3_600_000,
  },
  {
    preset: 'realer',
    prefix: 'REALER',
    grant: 'client_credentials',
    api: '/iot/v1/catalog',
    lifetimeMs: 3_600_000,
    renewAfterMs: 2_700_000,
  },
  {
    preset: 'revo-digital',
    prefix: 'REVO_DIGITAL',
    grant: 'refresh_token',
    api: '/contacts/',
    fields: { Version: '2021-07-28' },
    lifetimeMs: 86_400_000,
    rotates: true,
  },
  {
    preset: 'revolv3',
    prefix: 'REVOLV3',
    grant: 'client_credentials',
    api: '/api/invoices',
    lifetimeMs: 3_599_000,
  },
];

let vendors: Vendors;
beforeAll(async () => {
  vendors = await startVendors();
});
afterAll(() => vendors.close());

async function ask(
  provider: Provider,
  input: Omit<TokenRequestInput, 'provider' | 'credentialParams' | 'placeholders'>,
): Promise<TokenAnswer | TokenRefusal> {
  const request = buildTokenRequest({ provider, credentialParams: {}, placeholders: {}, ...input });
  const response = await fetch(request.url, {
    method: request.method,
    headers: request.headers,
    body: request.body ?? null,
  });
  return readTokenAnswer({
    provider,
    status: response.status,
    contentType: response.headers.get('content-type') ?? undefined,
    body: await response.text(),
    date: response.headers.get('date') ?? undefined,
    wallNow: Date.now(),
  });
}

describe.each(cases)('the preset $preset', (given) => {
  const env = (name: string) => vendors.env[`${given.prefix}_${name}`];
  const kind = given.grant === 'refresh_token' ? 'refresh' : 'token';
  let provider: Provider;
  let client: { id: string | undefined; secret: string | undefined };
  let refreshToken: string | undefined;
  beforeAll(() => {
    refreshToken = env('REFRESH_TOKEN');
  });
  beforeEach(() => {
    provider = resolveProvider(given.preset, { extends: given.preset, base_url: env('URL') }, presets);
    client = { id: env(given.idName ?? 'CLIENT_ID'), secret: env('CLIENT_SECRET') };
  });
  const params = () => ({ grant_type: given.grant, refresh_token: refreshToken });

  test('gets a token that the API takes, and reads its lifetime', async () => {
    const answer = await ask(provider, { kind, params: params(), client });
    if (!answer.ok) throw new Error(answer.detail);
    expect(answer.lifetimeKnown).toBe(true);
    expect(Math.abs(answer.lifetimeMs - given.lifetimeMs)).toBeLessThanOrEqual(2_000);
    expect(answer.renewAfterMs).toBe(given.renewAfterMs);
    expect(answer.warnings).toEqual([]);
    if (given.rotates) expect(answer.refreshToken).not.toBe(refreshToken);
    refreshToken = answer.refreshToken ?? refreshToken;

    const attached = renderAttach(provider, answer.fields);
    const headers = { ...given.fields, [attached[0] as string]: attached[1] as string };
    const api = await fetch(`${env('URL')}${given.api}`, { headers });
    await api.text();
    expect(api.status).toBe(200);
  });

  test('knows a wrong client for what it is', async () => {
    const wrong =
      client.secret === undefined ? { id: 'wrong', secret: undefined } : { ...client, secret: 'wrong' };
    const refusal = await ask(provider, { kind, params: params(), client: wrong });
    expect(refusal).toMatchObject({ ok: false, kind: 'invalid_client', status: 401 });
  });

  test('takes 503 and 429 as passing', async () => {
    const vendor = vendors.all.find((one) => one.name === given.preset);
    vendor?.failTokens(1);
    expect(await ask(provider, { kind, params: params(), client })).toMatchObject({ kind: 'transient' });
    vendor?.failTokens({ status: 429 });
    expect(await ask(provider, { kind, params: params(), client })).toMatchObject({ kind: 'rate_limited' });
  });
});

test('a spent refresh token of Revo Digital is an invalid_grant', async () => {
  const { revoDigital } = vendors;
  const provider = resolveProvider('revo', { extends: 'revo-digital', base_url: revoDigital.url }, presets);
  const client = {
    id: revoDigital.env.REVO_DIGITAL_CLIENT_ID,
    secret: revoDigital.env.REVO_DIGITAL_CLIENT_SECRET,
  };
  const params = { grant_type: 'refresh_token', refresh_token: revoDigital.env.REVO_DIGITAL_REFRESH_TOKEN };
  await ask(provider, { kind: 'refresh', params, client });
  const refusal = await ask(provider, { kind: 'refresh', params, client });
  expect(refusal).toMatchObject({ ok: false, kind: 'invalid_grant', status: 400 });
});

test('the request of the preset revolv3 has its two members and no grant_type', () => {
  const provider = resolveProvider('revolv3', { base_url: vendors.revolv3.url }, presets);
  const request = buildTokenRequest({
    provider,
    kind: 'token',
    params: { grant_type: 'client_credentials' },
    credentialParams: {},
    client: { id: 'a', secret: 'b' },
    placeholders: {},
  });
  expect(JSON.parse(request.body ?? '')).toEqual({ clientId: 'a', clientSecret: 'b' });
});

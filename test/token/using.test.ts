import { describe, expect, it } from 'vitest';
import { load } from '../../src/config/load.ts';
import type { CredentialConfig } from '../../src/config/schema.ts';
import { Secret } from '../../src/config/secret.ts';
import { startRealer } from '../../src/demo/realer.ts';
import { startRevoDigital } from '../../src/demo/revo-digital.ts';
import { presets } from '../../src/provider/presets.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createRegistry } from '../../src/token/registry.ts';
import { configOf } from '../support/config.ts';
import { startCupbearer } from '../support/fixture.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { offsetClock } from '../support/offset-clock.ts';
import { rawRequest } from '../support/raw.ts';
import { answer, type Script, type TokenCall } from '../support/token-endpoint.ts';
import { carried, closing, credentialConfig, failure, hour, now, openRoom } from './setting.ts';

const minute = 60_000;
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const byTenant = { tenant: { header: 'x-tenant', max: 9 } };

/**
 * `shop` uses the token of `company`, at one endpoint: company calls come with a secret, shop calls with a token. The
 * scripts count their own calls.
 */
async function openShop(
  scripts: { company?: Script; shop?: Script } = {},
  over: { company?: Partial<CredentialConfig>; shop?: Partial<CredentialConfig> } = {},
) {
  const companyCalls: TokenCall[] = [];
  const shopCalls: TokenCall[] = [];
  const {
    company = (count) => ({ json: answer(`company${count}`, 3600) }),
    shop = (count) => ({ json: answer(`shop${count}`, 3600) }),
  } = scripts;
  const isShop = ({ headers, form }: TokenCall) =>
    headers.authorization?.startsWith('Bearer ') || form.get('grant_type') === exchange;
  const room = await openRoom(
    (_, call) => (isShop(call) ? shop(shopCalls.push(call), call) : company(companyCalls.push(call), call)),
    {
      credentials: {
        company: credentialConfig({ params: { tenant: '{tenant}' }, ...over.company }),
        shop: credentialConfig({
          using: 'company',
          client_id: undefined,
          client_secret: undefined,
          params: { shop: '{tenant}' },
          ...over.shop,
        } as Partial<CredentialConfig>),
      },
    },
  );
  const bearers = () => shopCalls.map(({ headers }) => headers.authorization);
  return { ...room, companyCalls, shopCalls, bearers };
}

describe('a credential that uses another', () => {
  it('asks with the other’s token, once for all who wait', async () => {
    const { registry, companyCalls, bearers } = await openShop();
    const tokens = await Promise.all(Array.from({ length: 100 }, async () => registry.get('shop').acquire()));
    expect(new Set(tokens.map(carried))).toEqual(new Set(['shop1']));
    expect(companyCalls.length).toBe(1);
    expect(bearers()).toEqual(['Bearer company1']);
  });

  it('keeps its token when the other’s is renewed', async () => {
    const { clock, registry, shopCalls } = await openShop({
      company: (count) => ({ json: answer(`company${count}`, 600) }),
    });
    const token = await registry.get('shop').acquire();
    clock.step(11 * minute);
    expect(carried(await registry.get('company').acquire())).toBe('company2');
    expect(now(registry.get('shop').acquire())).toBe(token);
    expect(shopCalls.length).toBe(1);
  });

  it('has the other’s token renewed once, and asks once more, when that is refused', async () => {
    const { clock, registry, companyCalls, bearers } = await openShop({
      shop: (count, { headers }) =>
        headers.authorization === 'Bearer company2'
          ? { json: answer(`shop${count}`, 3600) }
          : { status: 401, json: { message: 'Invalid JWT' } },
    });
    await registry.get('company').acquire();
    clock.step(minute);
    expect(carried(await registry.get('shop').acquire())).toBe('shop2');
    expect(companyCalls.length).toBe(2);
    expect(bearers()).toEqual(['Bearer company1', 'Bearer company2']);
  });

  it('takes the other’s newer token when there is one already', async () => {
    const { clock, registry, companyCalls, bearers } = await openShop({
      shop: async (count, { headers }) => {
        if (headers.authorization === 'Bearer company2') return { json: answer(`shop${count}`, 3600) };
        const company = registry.get('company');
        await company.rejected(now(company.acquire()), 'https://elsewhere.example');
        return { status: 401, json: {} };
      },
    });
    await registry.get('company').acquire();
    clock.step(minute);
    await registry.get('shop').acquire();
    expect(companyCalls.length).toBe(2);
    expect(bearers()).toEqual(['Bearer company1', 'Bearer company2']);
  });

  it('is refused when a new token does not help either, and asks rarely from then on', async () => {
    const { clock, registry, companyCalls, shopCalls } = await openShop({
      shop: () => ({ status: 401, json: {} }),
    });
    await registry.get('company').acquire();
    clock.step(minute);
    const { message } = await failure(() => registry.get('shop').acquire(), 'token-refused');
    expect(message).toContain('borrowed_token_refused');
    for (let i = 0; i < 55; i++) {
      clock.step(1_000);
      await failure(() => registry.get('shop').acquire(), 'token-refused');
    }
    expect([companyCalls.length, shopCalls.length]).toEqual([2, 2]);
    expect(carried(now(registry.get('company').acquire()))).toBe('company2');
  });

  it('is asked for at once after somebody has logged in for the other', async () => {
    let isGood = false;
    const { clock, registry, shopCalls } = await openShop({
      shop: (count) => (isGood ? { json: answer(`shop${count}`, 3600) } : { status: 401, json: {} }),
    });
    await failure(() => registry.get('shop').acquire(), 'token-refused');
    isGood = true;
    registry.restart('company');
    clock.step(1_000);
    await registry.get('shop').acquire();
    expect(shopCalls.length).toBe(2);
  });

  it.each([
    ['token-refused', { status: 401, json: { error: 'invalid_client' } }],
    ['token-unavailable', { status: 503, json: {}, headers: { 'retry-after': '120' } }],
    ['token-answer-invalid', { json: { nothing: true } }],
  ])('fails as the other fails: %s', async (code, reply) => {
    const { registry, shopCalls } = await openShop({ company: () => reply });
    const { message, retryAfterMs } = await failure(() => registry.get('shop').acquire(), code);
    expect(message).toMatch(
      /^credential shop: it uses the token of company, which has none: credential company: /,
    );
    if (code === 'token-unavailable') expect(retryAfterMs).toBeGreaterThanOrEqual(120_000);
    expect(shopCalls.length).toBe(0);
  });

  it('says that a login is needed when it is the other that needs one', async () => {
    const { registry, endpoint } = await openShop({}, { company: { grant_type: 'authorization_code' } });
    const { message } = await failure(() => registry.get('shop').acquire(), 'reauthorization-required');
    expect(message).toContain('credential company: nobody has logged in yet');
    expect(endpoint.calls.length).toBe(0);
  });

  it('tries no other secret of its own, and is not told by its own status', async () => {
    const client_secret = [new Secret('a'), new Secret('b')];
    const { registry, shopCalls } = await openShop(
      { shop: () => ({ status: 401, json: { error: 'invalid_client' } }) },
      { shop: { client_id: 'id', client_secret } },
    );
    await failure(() => registry.get('shop').acquire(), 'token-refused');
    expect(shopCalls.length).toBe(1);
  });

  it('shows neither token in an error or an event', async () => {
    const { registry, log } = await openShop({
      shop: () => ({ status: 400, json: { error: 'company1', error_description: 'company1' } }),
    });
    const { message } = await failure(() => registry.get('shop').acquire(), 'token-refused');
    expect(message + JSON.stringify(log)).not.toContain('company1');
  });

  it('has a token for each of its tenants by the one token of the other', async () => {
    const { registry, companyCalls, shopCalls } = await openShop(
      { shop: (_, { form }) => ({ json: answer(`shop-${form.get('shop')}`, 3600) }) },
      { shop: byTenant },
    );
    for (const tenant of ['a', 'b']) {
      expect(carried(await registry.get('shop', tenant).acquire())).toBe(`shop-${tenant}`);
    }
    expect([companyCalls.length, shopCalls.length]).toEqual([1, 2]);
  });

  it('uses the token of the same tenant when the other has tenants', async () => {
    const { registry, companyCalls, bearers } = await openShop(
      { company: (_, { form }) => ({ json: answer(`company-${form.get('tenant')}`, 3600) }) },
      { company: byTenant, shop: byTenant },
    );
    for (const tenant of ['a', 'b']) await registry.get('shop', tenant).acquire();
    expect(companyCalls.length).toBe(2);
    expect(bearers()).toEqual(['Bearer company-a', 'Bearer company-b']);
  });

  it('cannot use itself, by however many others', () => {
    const circle = (...names: string[]) => `
server: { listen: "127.0.0.1:0", admin: "off" }
credentials:
${names.map((name, at) => `  ${name}: { provider: realer-mqtt, using: ${names[(at + 1) % names.length]} }`).join('\n')}
routes: { /x: { upstream: "http://127.0.0.1:9", credential: a } }
`;
    for (const names of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
      const { config, problems } = load(circle(...names), { file: 'routes.yaml', env: {}, presets });
      expect(config).toBeUndefined();
      expect(problems.some(({ path }) => path.endsWith('.using'))).toBe(true);
    }
  });
});

describe('token exchange (RFC 8693)', () => {
  const exchanging = {
    grant_type: exchange as typeof exchange,
    client_id: 'id',
    client_secret: new Secret('client-secret'),
    params: {},
    audience: ['one', 'two'],
    resource: ['https://a.example', 'https://b.example'],
    requested_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  } satisfies Partial<CredentialConfig>;

  it('exchanges the other’s token, with the client’s own proof', async () => {
    const { registry, shopCalls } = await openShop(
      {
        shop: () => ({
          json: {
            access_token: 'exchanged',
            issued_token_type: 'urn:ietf:params:oauth:token-type:jwt',
            token_type: 'N_A',
            expires_in: 60,
          },
        }),
      },
      { shop: exchanging },
    );
    expect(carried(await registry.get('shop').acquire())).toBe('exchanged');
    const [call] = shopCalls;
    expect(call?.headers.authorization).toMatch(/^Basic /);
    expect([...(call?.form ?? [])].sort()).toEqual(
      [
        ['grant_type', exchange],
        ['subject_token', 'company1'],
        ['subject_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
        ['requested_token_type', 'urn:ietf:params:oauth:token-type:jwt'],
        ['audience', 'one'],
        ['audience', 'two'],
        ['resource', 'https://a.example'],
        ['resource', 'https://b.example'],
      ].sort(),
    );
  });

  it.each(['invalid_request', 'invalid_grant'])(
    'has the other’s token renewed when it is refused with %s (§2.2.2)',
    async (error) => {
      const { clock, registry, companyCalls, shopCalls } = await openShop(
        {
          shop: (count, { form }) =>
            form.get('subject_token') === 'company2'
              ? { json: answer(`shop${count}`, 3600) }
              : { status: 400, json: { error } },
        },
        { shop: exchanging },
      );
      await registry.get('company').acquire();
      clock.step(minute);
      await registry.get('shop').acquire();
      expect([companyCalls.length, shopCalls.length]).toEqual([2, 2]);
    },
  );

  it('leaves the other’s token alone when it is the client that is refused', async () => {
    const { clock, registry, companyCalls } = await openShop(
      { shop: () => ({ status: 401, json: { error: 'invalid_client' } }) },
      { shop: exchanging },
    );
    await registry.get('company').acquire();
    clock.step(minute);
    const { message } = await failure(() => registry.get('shop').acquire(), 'token-refused');
    expect(message).toContain('refused the client');
    expect(companyCalls.length).toBe(1);
  });
});

describe('Revo Digital, through the proxy', () => {
  it('gives each location its own token by the company’s, and survives the end of all of them', async () => {
    const vendor = await startRevoDigital();
    closing(() => vendor.close());
    const clock = offsetClock();
    const proxy = await startCupbearer(
      `
server: { listen: "127.0.0.1:0", admin: "off" }
credentials:
  company:
    provider: revo-digital
    base_url: "${vendor.url}"
    grant_type: refresh_token
    client_id: "\${REVO_DIGITAL_CLIENT_ID}"
    client_secret: "\${REVO_DIGITAL_CLIENT_SECRET}"
    refresh_token: "\${REVO_DIGITAL_COMPANY_REFRESH_TOKEN}"
    params: { user_type: Company }
  location:
    provider: revo-digital-location
    base_url: "${vendor.url}"
    using: company
    params: { companyId: "\${REVO_DIGITAL_COMPANY_ID}" }
    tenant: { header: X-Location-Id }
routes:
  /revo: { upstream: "${vendor.url}", credential: location, headers: { set: { Version: "2021-07-28" } } }
`,
      { env: { ...vendor.env }, clock },
    );
    closing(() => proxy.stop());
    const contacts = async (location: string) => {
      const { status, body } = await rawRequest(
        proxy.port,
        `GET /revo/contacts/?locationId=${location} HTTP/1.1\r\nHost: localhost\r\nX-Location-Id: ${location}\r\nConnection: close\r\n\r\n`,
      );
      const found =
        status === 200 ? (JSON.parse(body) as { contacts: { locationId: string }[] }).contacts : [];
      return { status, locations: [...new Set(found.map(({ locationId }) => locationId))] };
    };
    for (const location of vendor.locationIds) {
      expect(await contacts(location)).toEqual({ status: 200, locations: [location] });
      expect(await contacts(location)).toEqual({ status: 200, locations: [location] });
    }
    // One refresh for the company, one exchange a location.
    expect([vendor.refreshes, vendor.tokenCalls]).toEqual([1, 3]);
    clock.advance(5_000);
    vendor.revokeAll();
    for (const location of vendor.locationIds) {
      expect(await contacts(location)).toEqual({ status: 200, locations: [location] });
    }
    expect([vendor.refreshes, vendor.reuses]).toEqual([2, 0]);
    expect((await contacts('somewhere-else')).status).toBe(502);
    expect(proxy.log()).not.toMatch(/eyJ/);
  });
});

describe('Realer’s MQTT credentials', () => {
  it('come by a device token, and are renewed when that is due', async () => {
    const clock = new ManualClock();
    const vendor = await startRealer({ now: () => clock.wall() });
    closing(() => vendor.close());
    const yaml = `
server: { listen: "127.0.0.1:0", admin: "off" }
credentials:
  device:
    provider: realer
    base_url: "${vendor.url}"
    client_id: "\${REALER_CLIENT_ID}"
    client_secret: "\${REALER_CLIENT_SECRET}"
    scope: iot:mqtt:connect
  mqtt: { provider: realer-mqtt, base_url: "${vendor.url}", using: device }
routes: { /x: { upstream: "${vendor.url}", credential: mqtt } }
`;
    const config = configOf(yaml, vendor.env);
    const registry = createRegistry({ config, clock, store: createMemoryStore(() => clock.wall()) });
    closing(() => registry.close());
    const mqtt = registry.get('mqtt');
    const first = await mqtt.acquire();
    expect(vendor.isMqttCredential(first.reveal())).toBe(true);
    expect(first.lifetimeMs).toBe(hour);
    expect(vendor.tokenCalls).toBe(2);
    clock.step(hour + 1_000);
    const second = await mqtt.acquire();
    expect(second.gen).toBe(2);
    expect(vendor.isMqttCredential(second.reveal())).toBe(true);
    expect(vendor.tokenCalls).toBe(4);
  });
});

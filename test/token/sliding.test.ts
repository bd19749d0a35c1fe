import { fetch } from 'undici';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { startVbrickRev, type VbrickRevVendor } from '../../src/demo/vbrick-rev.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createRegistry } from '../../src/token/registry.ts';
import type { TokenSource } from '../../src/token/token.ts';
import { configOf } from '../support/config.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startTokenEndpoint, type TokenReply } from '../support/token-endpoint.ts';
import { closing, credentialConfig, EventLog, failure, hour, now, openRoom, until } from './setting.ts';

const minute = 60_000;
const origin = 'https://rev.example';

/** The Rev simulator and a credential that logs in there with apiKey and secret, on one clock. */
async function openRev(secret?: string) {
  const clock = new ManualClock();
  const vendor = await startVbrickRev({ now: () => clock.wall() });
  closing(() => vendor.close());
  const yaml = `
server: { listen: "127.0.0.1:0", admin: "off" }
credentials:
  rev: { provider: vbrick-rev-api-key, base_url: "${vendor.url}", client_id: "\${REV_API_KEY}", client_secret: "\${REV_SECRET}" }
routes: { /rev: { upstream: "${vendor.url}", credential: rev } }
`;
  const env: Record<string, string> = {
    ...vendor.env,
    ...(secret === undefined ? {} : { REV_SECRET: secret }),
  };
  const config = configOf(yaml, env);
  const log = new EventLog();
  const store = createMemoryStore(() => clock.wall());
  const registry = createRegistry({ config, clock, store, events: log });
  closing(() => registry.close());
  const rested = () => until(() => registry.view()[0]?.refresh !== 'IN_FLIGHT');
  const ticks = async (minutes: number) => {
    for (let left = minutes * 4; left > 0; left--) {
      await clock.advance(15_000);
      await rested();
    }
  };
  return { clock, vendor, registry, log, env, rev: registry.get('rev'), rested, ticks };
}

/** Whether Rev would take the token. */
async function isTaken(vendor: VbrickRevVendor, source: TokenSource): Promise<boolean> {
  const { fields } = now(source.acquire());
  const [name = '', value = ''] = fields;
  const response = await fetch(`${vendor.url}/api/v2/user/session`, { headers: { [name]: value } });
  return response.status === 200;
}

describe('a sliding session', () => {
  it('lives for days on one login while it is used', async () => {
    const { clock, vendor, rev, log, rested } = await openRev();
    const first = await rev.acquire();
    for (let passed = 0; passed < 48 * hour; passed += 5 * minute) {
      clock.step(5 * minute);
      const token = now(rev.acquire());
      expect([token.reveal(), token.gen]).toEqual([first.reveal(), first.gen]);
      await rested();
    }
    expect(vendor.loginAttempts).toBe(1);
    // Every ten minutes at most, and never later than when half an hour is left.
    expect(vendor.extensions).toBeGreaterThan(48 * 2);
    expect(vendor.extensions).toBeLessThanOrEqual(48 * 12);
    expect([log.noops, log.failures]).toEqual([0, []]);
    expect(await isTaken(vendor, rev)).toBe(true);
  });

  it('is extended every five to ten minutes, however much it is used', async () => {
    const { clock, vendor, rev, rested } = await openRev();
    await rev.acquire();
    for (let passed = 0; passed < 2 * hour; passed += 15_000) {
      clock.step(15_000);
      now(rev.acquire());
      await rested();
    }
    expect(vendor.extensions).toBeGreaterThanOrEqual(11);
    expect(vendor.extensions).toBeLessThanOrEqual(24);
  });

  it('is extended on the tick when it was used since, once for one use', async () => {
    const { clock, vendor, rev, ticks } = await openRev();
    await rev.acquire();
    clock.step(2 * minute);
    now(rev.acquire());
    await ticks(12);
    expect(vendor.extensions).toBe(1);
    await ticks(40);
    expect(vendor.extensions).toBe(1);
  });

  it('is not extended while nobody uses it, and then costs one login', async () => {
    const { vendor, rev, ticks } = await openRev();
    const first = await rev.acquire();
    await ticks(61);
    expect(vendor.extensions).toBe(0);
    const next = await Promise.all(Array.from({ length: 50 }, async () => rev.acquire()));
    expect(new Set(next).size).toBe(1);
    expect(next[0]?.gen).toBe(first.gen + 1);
    expect(vendor.loginAttempts).toBe(2);
  });

  it.each([401, 403, 404, 405])(
    'is begun again in the same flight when its extension is answered %d',
    async (status) => {
      const { clock, vendor, rev, log } = await openRev();
      const first = await rev.acquire();
      clock.step(11 * minute);
      vendor.failTokens({ status });
      expect(now(rev.acquire())).toBe(first);
      await until(() => log.fetches.length === 2);
      expect(vendor.loginAttempts).toBe(2);
      expect(log.failures).toEqual([]);
      expect(now(rev.acquire()).gen).toBe(first.gen + 1);
    },
  );

  it('that the vendor has ended is begun again by its extension', async () => {
    const { clock, vendor, rev, log } = await openRev();
    await rev.acquire();
    clock.step(11 * minute);
    vendor.revokeAll();
    now(rev.acquire());
    await until(() => log.fetches.length === 2);
    expect(vendor.loginAttempts).toBe(2);
    expect(await isTaken(vendor, rev)).toBe(true);
  });

  it.each([
    ['503', { status: 503 }],
    ['429', { status: 429 }],
    ['a cut connection', { how: 'reset' as const }],
  ])('is served while its extension fails with %s, which is tried again later', async (_, how) => {
    const { clock, vendor, rev, log } = await openRev();
    const first = await rev.acquire();
    clock.step(11 * minute);
    vendor.failTokens({ ...how, count: 3 });
    for (let failed = 1; failed <= 3; failed++) {
      expect(now(rev.acquire())).toBe(first);
      await until(() => log.failures.length === failed);
      const { retryInMs } = log.failures.at(-1) ?? { retryInMs: 0 };
      expect(retryInMs).toBeGreaterThan(0);
      for (let i = 0; i < 100; i++) now(rev.acquire());
      clock.step(2 * minute);
    }
    now(rev.acquire());
    await until(() => log.fetches.length === 2);
    expect([vendor.loginAttempts, vendor.extensions]).toEqual([1, 1]);
    expect(now(rev.acquire()).reveal()).toBe(first.reveal());
  });

  it('ends by itself when it can never be extended, and costs one login then', async () => {
    const { clock, vendor, rev } = await openRev();
    const first = await rev.acquire();
    vendor.failTokens({ status: 503, count: 1_000 });
    while (clock.wall() < first.t0Wall + hour - 2_000) {
      expect(await rev.acquire()).toBe(first);
      clock.step(20_000);
    }
    const failing = vendor.tokenCalls;
    expect(failing).toBeLessThan(100);
    clock.step(hour);
    await failure(() => rev.acquire(), 'token-unavailable');
    expect(vendor.loginAttempts).toBe(1);
  });

  it('costs one login when an API refuses it, however many ask', async () => {
    const { clock, vendor, rev } = await openRev();
    const token = await rev.acquire();
    clock.step(3_000);
    vendor.revokeAll();
    const next = await Promise.all(Array.from({ length: 50 }, () => rev.rejected(token, origin)));
    expect(new Set(next).size).toBe(1);
    expect(next[0]?.gen).toBe(token.gen + 1);
    expect([vendor.loginAttempts, vendor.extensions]).toEqual([2, 0]);
    expect(await isTaken(vendor, rev)).toBe(true);
  });
});

describe('a login that is refused', () => {
  it('is tried once in 15 minutes, however many ask, and at once with another secret', async () => {
    const { clock, vendor, registry, rev, env } = await openRev('wrong');
    for (let passed = 0; passed < 40 * minute; passed += 2_000) {
      await failure(() => rev.acquire(), 'token-refused');
      await clock.advance(2_000);
    }
    expect(vendor.loginAttempts).toBe(3);
    expect(vendor.locked).toBe(false);
    env.REV_SECRET = vendor.env.REV_SECRET ?? '';
    registry.rereadSecrets();
    await rev.acquire();
    expect(vendor.loginAttempts).toBe(4);
  });

  it('is tried no more often once the account is locked', async () => {
    const { clock, vendor, rev } = await openRev('wrong');
    for (let passed = 0; passed < 150 * minute; passed += 5_000) {
      await Promise.resolve()
        .then(() => rev.acquire())
        .catch(() => undefined);
      await clock.advance(5_000);
    }
    expect(vendor.locked).toBe(true);
    expect(vendor.loginAttempts).toBeLessThanOrEqual(10);
  });
});

describe('the lifetime after an extension', () => {
  /** A provider that grants `session1`, `session2`, … for an hour, and answers extensions with `extension`. */
  async function extended(extension: TokenReply) {
    const endpoint = await startTokenEndpoint((count, { url }) =>
      url === '/token' ? { json: { access_token: `session${count}`, expires_in: 3600 } } : extension,
    );
    closing(() => endpoint.close());
    const extend = { url: new URL('/extend', endpoint.url).href, client_auth: 'none' as const };
    const provider = { token: { url: endpoint.url }, extend };
    const client_secret = [new Secret('one'), new Secret('two')];
    const room = await openRoom(undefined, {
      provider,
      credentials: { acme: credentialConfig({ client_secret }) },
    });
    return { ...room, endpoint };
  }

  it.each([
    ['is what the answer says', { json: { expires_in: 1_800 } }, 1_800_000],
    ['stays when the answer gives none', { json: {} }, hour],
    ['stays when there is no body', { raw: '' }, hour],
    ['stays when it cannot be read', { json: { expires_in: 'soon' } }, hour],
    ['stays when it is over already', { json: { expires_in: -5 } }, hour],
    ['is never for ever', { json: { expires_in: null } }, hour],
  ])('%s', async (_, extension, lifetimeMs) => {
    const { clock, registry, log, endpoint } = await extended(extension);
    const acme = registry.get('acme');
    const first = await acme.acquire();
    clock.step(20 * minute);
    now(acme.acquire());
    await until(() => log.fetches.length === 2);
    const token = now(acme.acquire());
    expect(token).toMatchObject({ lifetimeMs, gen: first.gen, t0Wall: first.t0Wall + 20 * minute });
    expect(token.reveal()).toBe('session1');
    expect(endpoint.calls.map(({ url }) => url)).toEqual(['/token', '/extend']);
  });

  it('is not prolonged by an answer that is no answer', async () => {
    const { clock, registry, log } = await extended({ raw: '<html>please log in</html>' });
    const acme = registry.get('acme');
    const first = await acme.acquire();
    clock.step(20 * minute);
    now(acme.acquire());
    await until(() => log.failures.length === 1);
    expect(now(acme.acquire())).toBe(first);
    clock.step(40 * minute);
    await acme.acquire();
    expect(log.fetches.map(({ reason }) => reason)).toEqual(['cold', 'cold']);
  });

  it('is that of another login when the session is over, by the same client secret', async () => {
    const { clock, registry, endpoint, log } = await extended({ status: 401, json: {} });
    await registry.get('acme').acquire();
    clock.step(20 * minute);
    now(registry.get('acme').acquire());
    await until(() => log.fetches.length === 2);
    expect(endpoint.calls.map(({ url }) => url)).toEqual(['/token', '/extend', '/token']);
    const [first, extension, second] = endpoint.calls.map(({ headers }) => headers.authorization);
    expect(extension).toBe('Bearer session1');
    expect(second).toBe(first);
  });
});

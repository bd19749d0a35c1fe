import { expect, it } from 'vitest';
import { createMetricsDesk, type MetricsDeskInit } from '../../src/cli/metrics-desk.ts';
import { CupbearerError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Session } from '../../src/store/session.ts';
import type { Store } from '../../src/store/store.ts';
import { createTally } from '../../src/telemetry/tally.ts';
import { createTokenCounts } from '../../src/telemetry/token-counts.ts';
import type { CredentialView } from '../../src/token/view.ts';
import { fullSession, smallSession } from '../store/sessions.ts';
import { configOf } from '../support/config.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type MetricText, parseMetrics, piecesOf } from '../support/metric-text.ts';

const config = configOf(
  `
server: { max_tunnels: 9 }
providers: { acme: { token: { url: "https://id.acme.example/token" }, authorize: { url: "https://id.acme.example/authorize" } } }
credentials:
  machine: { provider: acme, client_id: id, client_secret: secret-of-acme }
  person: { provider: acme, grant_type: authorization_code, client_id: id, client_secret: secret-of-acme }
  people: { provider: acme, grant_type: authorization_code, client_id: id, client_secret: secret-of-acme, tenant: { header: X-Tenant } }
routes: { /acme: { upstream: "https://api.acme.example", credential: machine } }
`,
);

const view: CredentialView = {
  credential: 'machine',
  region: 'FRESH',
  refresh: 'IDLE',
  gen: 1,
  lifetimeLeftMs: 60_000,
  retryInMs: 0,
  lastFailure: undefined,
  hadToken: true,
  waiters: 2,
};

async function scraped(parts: Partial<MetricsDeskInit> = {}): Promise<MetricText> {
  const desk = createMetricsDesk({
    config: () => config,
    registry: { view: () => [] },
    store: createMemoryStore(() => 0),
    clock: new ManualClock(),
    counts: () => [],
    usage: () => undefined,
    tokenCounts: createTokenCounts(),
    storeCounts: createTally(['operation', 'outcome']),
    ...parts,
  });
  return parseMetrics((await piecesOf((await desk(undefined)).body)).join(''));
}

const broken = async () => {
  throw new CupbearerError('store-unavailable', 'away');
};

it('every configured credential is told of, one nobody has used as well', async () => {
  const tenants = ['a', 'b'].map((tenant) => ({ ...view, credential: 'people', tenant }));
  const text = await scraped({ registry: { view: () => [view, ...tenants] } });
  const tokens = (credential: string) =>
    text.value('cupbearer_credential_tokens', { credential, state: 'fresh' });
  expect(['machine', 'people', 'person'].map(tokens)).toEqual([1, 2, 0]);
  expect(text.value('cupbearer_token_waiters', { credential: 'people' })).toBe(4);
  expect(text.value('cupbearer_token_lifetime_left_seconds', { credential: 'machine' })).toBe(60);
});

it('a login is needed when there is no session to go on with, and told of for credentials that can have one alone', async () => {
  const needed = async (parts: Partial<MetricsDeskInit> = {}) => {
    const text = await scraped(parts);
    return ['person', 'machine', 'people'].map((credential) => [
      text.value('cupbearer_credential_login_needed', { credential }),
      text.value('cupbearer_credential_well', { credential }),
    ]);
  };
  const others = [
    [undefined, 1],
    [undefined, 1],
  ];
  expect(await needed()).toEqual([[1, 0], ...others]);
  // A token in force is served to its end.
  expect(await needed({ registry: { view: () => [{ ...view, credential: 'person' }] } })).toEqual([
    [0, 1],
    ...others,
  ]);
  const store = createMemoryStore(() => 0);
  await store.compareAndSet({ credential: 'person' }, undefined, smallSession('h1'));
  expect(await needed({ store })).toEqual([[0, 1], ...others]);
});

it('a session that the provider has ended needs a login once its last token has', async () => {
  const store = createMemoryStore(() => 0);
  const clock = new ManualClock();
  const storedWall = clock.wall();
  const spent = fullSession('h1', { spent: 'f00d' });
  const token = {
    ...(spent.token as NonNullable<Session['token']>),
    t0Wall: storedWall,
    storedWall,
    lifetimeMs: 60_000,
  };
  await store.compareAndSet({ credential: 'person' }, undefined, { ...spent, token });
  const needed = async () =>
    (await scraped({ store, clock })).value('cupbearer_credential_login_needed', { credential: 'person' });
  expect(await needed()).toBe(0);
  clock.step(60_000);
  expect(await needed()).toBe(1);
});

it('the sessions of tenants, who may be thousands, are not read', async () => {
  const store = createMemoryStore(() => 0);
  await store.compareAndSet({ credential: 'people', tenant: 'a' }, undefined, smallSession('h1'));
  const read: string[] = [];
  const load: Store['load'] = (key) => {
    read.push(key.credential);
    return store.load(key);
  };
  await scraped({ store: { ...store, load } });
  expect(read).toEqual(['person']);
});

it('a store that fails, or does not answer within a second, is down and says nothing of logins', async () => {
  const clock = new ManualClock();
  const silent: Store = { ...createMemoryStore(() => 0), kind: 'redis', list: () => new Promise(() => {}) };
  const late = scraped({ store: silent, clock });
  await clock.advance(1_000);
  const failing = scraped({ store: { ...silent, load: broken, list: broken } });
  for (const text of [await late, await failing]) {
    expect(text.value('cupbearer_store_up', { kind: 'redis' })).toBe(0);
    expect(text.value('cupbearer_credential_login_needed', { credential: 'person' })).toBeUndefined();
  }
  expect((await scraped()).value('cupbearer_store_up', { kind: 'memory' })).toBe(1);
});

it('the scrape itself is no operation on the store', async () => {
  const text = await scraped();
  expect(text.samples.filter(({ name }) => name.startsWith('cupbearer_store_operation'))).toEqual([]);
});

it('what became of the configuration file is told', async () => {
  const of = (text: MetricText) => [
    text.value('cupbearer_config_reloads_total', { outcome: 'applied' }),
    text.value('cupbearer_config_reloads_total', { outcome: 'refused' }),
    text.value('cupbearer_config_last_reload_successful'),
    text.value('cupbearer_config_last_reload_success_timestamp_seconds'),
  ];
  const loaded_at = '2030-01-01T00:00:00.000Z';
  const status = { loaded_at, reloads: 2, refusals: 1 };
  const refused = { at: loaded_at, problems: ['routes.yaml:1: wrong'] };
  const at = Date.parse(loaded_at) / 1_000;
  expect(of(await scraped({ configStatus: () => status }))).toEqual([2, 1, 1, at]);
  expect(of(await scraped({ configStatus: () => ({ ...status, refused }) }))).toEqual([2, 1, 0, at]);
  expect(of(await scraped()).slice(0, 3)).toEqual([0, 0, 1]);
});

it('what is held is told with its bounds, and nothing is of it while nobody serves', async () => {
  const usage = { connections: 1, exchanges: 2, tunnels: 3, watched: 4, buffered: 5 };
  const text = await scraped({ usage: async () => usage });
  const values = (from: MetricText) =>
    ['connections', 'exchanges', 'tunnels', 'tunnels_limit', 'replay_buffer_bytes'].map((name) =>
      from.value(`cupbearer_${name}`),
    );
  expect(values(text)).toEqual([1, 2, 3, 9, 5]);
  expect(values(await scraped())).toEqual([undefined, undefined, undefined, 9, undefined]);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/telemetry/counters.ts';
import { type MetricsFacts, metricsOf } from '../../src/telemetry/metrics.ts';
import type { CredentialFacts, InstanceFacts } from '../../src/telemetry/metrics-credentials.ts';
import { readProcess } from '../../src/telemetry/metrics-process.ts';
import { metricsText } from '../../src/telemetry/metrics-text.ts';
import { createTokenCounts, readTokenCounts } from '../../src/telemetry/token-counts.ts';
import { countedExchange } from '../support/counted-exchange.ts';
import { type MetricText, parseMetrics, piecesOf } from '../support/metric-text.ts';

const plain = countedExchange();

const well: InstanceFacts = {
  region: 'FRESH',
  refresh: 'IDLE',
  well: true,
  lifetimeLeftMs: 60_000,
  retryInMs: 0,
  waiters: 0,
};

async function scraped(parts: Partial<MetricsFacts> = {}): Promise<MetricText> {
  const held = { now: 0, max: 10 };
  const facts: MetricsFacts = {
    version: '1.2.3',
    node: '26.0.0',
    routes: [],
    credentials: [],
    tokens: readTokenCounts(createTokenCounts()),
    store: { kind: 'memory', isUp: true, operations: [] },
    held: { connections: held, exchanges: held, tunnels: held, buffered: held },
    config: { loadedAtMs: 0, reloads: 0, refusals: 0, isRefused: false },
    workers: undefined,
    process: await readProcess(1_024),
    ...parts,
  };
  return parseMetrics((await piecesOf(metricsText(metricsOf(facts), undefined).body)).join(''));
}

describe('the metrics of routes', () => {
  it('tell what was counted', async () => {
    const counters = createCounters(['/a', '/idle']);
    counters.record(plain, 30);
    counters.record(
      { ...plain, status: 503, error: 'token-unavailable', upstreamMs: undefined, token: 'waited' },
      5,
    );
    counters.record({ ...plain, status: 401, retry: 'refused-again' }, 30);
    counters.record({ ...plain, retry: 'recovered', resent: true }, 30);
    counters.record({ ...plain, status: 0, aborted: 'caller' }, 30);
    counters.record(
      { ...plain, route: undefined, status: 404, error: 'route-not-found', upstreamMs: undefined },
      1,
    );
    const text = await scraped({ routes: counters.read() });
    const of = (name: string, labels = {}) => text.value(`cupbearer_${name}`, { route: '/a', ...labels });
    expect(['2xx', '4xx', '5xx', 'none', '1xx'].map((status) => of('requests_total', { status }))).toEqual([
      2, 1, 1, 1, 0,
    ]);
    expect(of('request_errors_total', { code: 'token-unavailable' })).toBe(1);
    expect(of('requests_aborted_total', { by: 'caller' })).toBe(1);
    expect(of('requests_aborted_total', { by: 'upstream' })).toBe(0);
    expect(of('requests_resent_total')).toBe(1);
    expect(of('requests_waited_for_token_total')).toBe(1);
    expect(of('token_refusals_total', { outcome: 'recovered' })).toBe(1);
    expect(of('token_refusals_total', { outcome: 'refused-again' })).toBe(1);
    expect(of('request_duration_seconds_count')).toBe(5);
    expect(of('request_duration_seconds_sum')).toBe(0.125);
    expect(of('upstream_duration_seconds_sum')).toBe(0.08);
    expect(of('overhead_duration_seconds_sum')).toBe(0.04);
    expect(text.value('cupbearer_requests_total', { route: '(none)', status: '4xx' })).toBe(1);
    expect(text.value('cupbearer_request_errors_total', { route: '(none)', code: 'route-not-found' })).toBe(
      1,
    );
  });

  it('take six lines for a route that nobody calls', async () => {
    const text = await scraped({ routes: createCounters(['/idle']).read() });
    expect(text.samples.filter(({ labels }) => labels.route === '/idle').map(({ value }) => value)).toEqual([
      0, 0, 0, 0, 0, 0,
    ]);
  });
});

describe('the metrics of credentials', () => {
  const one = (instances: readonly Partial<InstanceFacts>[], loginNeeded?: boolean): CredentialFacts => ({
    credential: 'acme',
    instances: instances.map((parts) => ({ ...well, ...parts })),
    loginNeeded,
  });
  const of = async (facts: CredentialFacts) => {
    const text = await scraped({ credentials: [facts] });
    return (name: string, labels = {}) => text.value(`cupbearer_${name}`, { credential: 'acme', ...labels });
  };

  it('tell the state, the least lifetime of the tokens in force and the longest wait of all tenants together', async () => {
    const get = await of(
      one([
        { lifetimeLeftMs: 90_000, waiters: 2 },
        { region: 'SOFT', lifetimeLeftMs: 30_000, refresh: 'BACKOFF', retryInMs: 4_000, waiters: 1 },
        { region: 'EXPIRED', lifetimeLeftMs: 0 },
        { region: 'NONE', lifetimeLeftMs: undefined, refresh: 'BLOCKED', well: false, retryInMs: Infinity },
      ]),
    );
    expect(get('credential_well')).toBe(0);
    expect(get('credential_login_needed')).toBeUndefined();
    expect(
      ['fresh', 'soft', 'hard', 'expired', 'none'].map((state) => get('credential_tokens', { state })),
    ).toEqual([1, 1, 0, 1, 1]);
    expect(['idle', 'backoff', 'blocked'].map((state) => get('credential_renewals', { state }))).toEqual([
      2, 1, 1,
    ]);
    expect(get('credential_retry_seconds')).toBe(Infinity);
    expect(get('token_lifetime_left_seconds')).toBe(30);
    expect(get('token_waiters')).toBe(3);
  });

  it('call a credential well that nobody has used yet, and one that needs a login not', async () => {
    const unused = await of(one([]));
    expect([unused('credential_well'), unused('token_lifetime_left_seconds')]).toEqual([1, undefined]);
    const loggedOut = await of(one([{}], true));
    expect([loggedOut('credential_well'), loggedOut('credential_login_needed')]).toEqual([0, 1]);
    const loggedIn = await of(one([{}], false));
    expect([loggedIn('credential_well'), loggedIn('credential_login_needed')]).toEqual([1, 0]);
  });

  it('have as many lines as there are credentials, however many tenants these have', async () => {
    const instance = fc.record<Partial<InstanceFacts>>({
      region: fc.constantFrom('NONE', 'FRESH', 'SOFT', 'HARD', 'EXPIRED', 'REJECTED'),
      refresh: fc.constantFrom('IDLE', 'IN_FLIGHT', 'BACKOFF', 'BLOCKED', 'DRAINING'),
    });
    const lines = async (instances: readonly Partial<InstanceFacts>[]) =>
      (await scraped({ credentials: [one(instances)] })).samples.filter(
        ({ labels }) => labels.credential === 'acme',
      );
    const most = (await lines([{}])).length;
    await fc.assert(
      fc.asyncProperty(fc.array(instance, { maxLength: 30 }), async (instances) => {
        expect((await lines(instances)).length).toBeLessThanOrEqual(most);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the metrics of the instance', () => {
  it('tell what is held, the bounds, the configuration, the workers, the store and the version', async () => {
    const text = await scraped({
      held: {
        connections: { now: 1, max: 2 },
        exchanges: { now: 3, max: 4 },
        tunnels: { now: 5, max: 6 },
        buffered: { now: undefined, max: 8 },
      },
      config: { loadedAtMs: 1_500, reloads: 2, refusals: 3, isRefused: true },
      workers: [
        { state: 'serving', restarts: 1 },
        { state: 'serving', restarts: 2 },
        { state: 'starting', restarts: 0 },
      ],
      store: { kind: 'redis', isUp: false, operations: [] },
    });
    const of = (name: string, labels = {}) => text.value(`cupbearer_${name}`, labels);
    const names = ['connections', 'exchanges', 'tunnels'].flatMap((name) => [name, `${name}_limit`]);
    expect(names.map((name) => of(name))).toEqual([1, 2, 3, 4, 5, 6]);
    expect([of('replay_buffer_bytes'), of('replay_buffer_limit_bytes')]).toEqual([undefined, 8]);
    expect(of('config_reloads_total', { outcome: 'applied' })).toBe(2);
    expect(of('config_reloads_total', { outcome: 'refused' })).toBe(3);
    expect(of('config_last_reload_successful')).toBe(0);
    expect(of('config_last_reload_success_timestamp_seconds')).toBe(1.5);
    expect(['starting', 'serving', 'stopping'].map((state) => of('workers', { state }))).toEqual([1, 2, 0]);
    expect(of('worker_restarts_total')).toBe(3);
    expect(of('store_up', { kind: 'redis' })).toBe(0);
    expect(of('build_info', { version: '1.2.3', node_version: '26.0.0' })).toBe(1);
  });

  it('tell what the process uses', async () => {
    const text = await scraped();
    const now = Date.now() / 1_000;
    expect(text.value('process_start_time_seconds')).toBeGreaterThan(now - 600);
    expect(text.value('process_start_time_seconds')).toBeLessThan(now);
    expect(text.value('process_resident_memory_bytes')).toBeGreaterThan(20e6);
    expect(text.value('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(text.value('nodejs_heap_size_used_bytes')).toBeGreaterThan(1e6);
    expect(text.value('nodejs_eventloop_time_seconds_total', { state: 'active' })).toBeGreaterThan(0);
    expect(text.value('process_max_fds')).toBe(1_024);
    if (process.platform === 'linux') expect(text.value('process_open_fds')).toBeGreaterThan(3);
  });
});

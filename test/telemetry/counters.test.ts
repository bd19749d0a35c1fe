import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorTable } from '../../src/errors.ts';
import { type CountsDelta, createCounters, createTotals } from '../../src/telemetry/counters.ts';
import type { CountedExchange, RouteCounts } from '../../src/telemetry/route-counts.ts';
import { countedExchange } from '../support/counted-exchange.ts';

const prefixes = ['/b', '/a'];

const plain = countedExchange({ upstreamMs: undefined });

const ended = fc.record({
  exchange: fc.record<CountedExchange>({
    route: fc.constantFrom(undefined, '/a', '/b', '/added', '__proto__', ''),
    status: fc.constantFrom(0, 101, 200, 204, 304, 401, 404, 500, 504, 599),
    error: fc.constantFrom<ErrorCode | undefined>(undefined, ...(Object.keys(errorTable) as ErrorCode[])),
    token: fc.constantFrom('none', 'ready', 'waited'),
    retry: fc.constantFrom('none', 'recovered', 'refused-again', 'no-new-token', 'not-replayable'),
    resent: fc.boolean(),
    aborted: fc.constantFrom(undefined, 'caller', 'upstream'),
    tunnel: fc.constantFrom(undefined, 'caller', 'idle'),
    upstreamMs: fc.option(fc.double({ min: 0, max: 200_000, noNaN: true }), { nil: undefined }),
  }),
  ms: fc.double({ min: 0, max: 400_000, noNaN: true }),
});

interface Ended {
  readonly exchange: CountedExchange;
  readonly ms: number;
}

/** One thing after another in any of three workers: an exchange ends, it sends what is new, or somebody reads. */
const story = fc.array(
  fc.record({
    worker: fc.nat({ max: 2 }),
    act: fc.oneof(
      { weight: 6, arbitrary: ended },
      { weight: 2, arbitrary: fc.constant('take' as const) },
      { weight: 1, arbitrary: fc.constant('read' as const) },
    ),
  }),
  { maxLength: 60 },
);

const sent = (delta: CountsDelta): CountsDelta => JSON.parse(JSON.stringify(delta));

/** Other processes meet a route that is not configured in another order. */
const byRoute = (counts: readonly RouteCounts[]) => new Map(counts.map((one) => [one.route, one]));

/** All numbers of the configured routes, by their path. */
function configured(counts: readonly RouteCounts[]): Map<string, number> {
  return new Map(numbersIn(counts.slice(0, prefixes.length)));
}

function numbersIn(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => numbersIn(one, `${path}.${key}`));
}

describe('the counters', () => {
  function counted(exchange: Partial<CountedExchange>, ms = 1): RouteCounts {
    const counters = createCounters(prefixes);
    counters.record({ ...plain, ...exchange }, ms);
    const found = counters.read().find(({ requests }) => requests > 0);
    if (found === undefined) throw new Error('nothing was counted');
    return found;
  }

  it('tell of every configured route in its order, and of what belongs to none', () => {
    const counters = createCounters(prefixes);
    counters.record(plain, 1);
    counters.record({ ...plain, route: '/added' }, 1);
    counters.record({ ...plain, route: undefined, error: 'route-not-found', status: 404 }, 1);
    counters.record(plain, 1);
    expect(counters.read().map(({ route, requests }) => [route, requests])).toEqual([
      ['/b', 0],
      ['/a', 2],
      ['/added', 1],
      [undefined, 1],
    ]);
  });

  it.each([
    [101, { '1xx': 1 }],
    [200, { '2xx': 1 }],
    [304, { '3xx': 1 }],
    [499, { '4xx': 1 }],
    [503, { '5xx': 1 }],
    [999, { '5xx': 1 }],
    [0, {}],
  ])('count a status of %i', (status, responses) => {
    const none = { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
    expect(counted({ status })).toMatchObject({
      requests: 1,
      responses: { ...none, ...responses },
      unanswered: status === 0 ? 1 : 0,
    });
  });

  it.each<[string, Partial<CountedExchange>, object]>([
    ['an own answer', { error: 'token-timeout' }, { errors: { 'token-timeout': 1 } }],
    ['no own answer', {}, { errors: {} }],
    ['a token that was waited for', { token: 'waited' }, { waited: 1 }],
    ['a token that was at hand', { token: 'ready' }, { waited: 0 }],
    ['a request sent again', { resent: true }, { resent: 1 }],
    ['a caller that left', { aborted: 'caller' }, { aborted: { caller: 1, upstream: 0 } }],
    ['an upstream that broke off', { aborted: 'upstream' }, { aborted: { caller: 0, upstream: 1 } }],
  ])('count %s', (_what, exchange, expected) => {
    expect(counted(exchange)).toEqual({ ...counted({}), ...expected });
  });

  it.each(['recovered', 'refused-again', 'no-new-token', 'not-replayable'] as const)(
    'count a refused token that ends as %s',
    (retry) => {
      const none = { recovered: 0, 'refused-again': 0, 'no-new-token': 0, 'not-replayable': 0 };
      expect(counted({ retry })).toEqual({ ...counted({}), retry: { ...none, [retry]: 1 } });
    },
  );

  it('measure an exchange, the upstream, and what is left of it', () => {
    const { duration, upstream, overhead } = counted({ upstreamMs: 30.25 }, 31);
    expect([duration.sum, upstream.sum, overhead.sum]).toEqual([31, 30.25, 0.75]);
    expect([duration, upstream, overhead].map(({ buckets }) => buckets.indexOf(1))).toEqual([6, 6, 1]);
  });

  it('keep what they measure apart, however long it takes', () => {
    const { duration, upstream, overhead } = counted({ upstreamMs: 70_000 }, 150_000);
    expect([duration.sum, upstream.sum, overhead.sum]).toEqual([150_000, 70_000, 80_000]);
    for (const { buckets } of [duration, upstream, overhead]) {
      expect([buckets.length, buckets.indexOf(1), Math.max(...buckets)]).toEqual([17, 16, 1]);
    }
  });

  it('measure neither an upstream that sent no head nor how long a tunnel lasted', () => {
    const { duration, upstream, overhead } = counted({ upstreamMs: undefined }, 9);
    expect([duration.sum, upstream.sum, overhead.sum]).toEqual([9, 0, 0]);
    const tunnel = counted({ status: 101, tunnel: 'idle', upstreamMs: 4 }, 900_000);
    expect([tunnel.duration.sum, tunnel.upstream.sum, tunnel.overhead.sum]).toEqual([0, 4, 0]);
  });

  it('come to the same sum however exchanges are spread over workers and whenever those send', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const alone = createCounters(prefixes);
        const workers = [0, 1, 2].map(() => createCounters(prefixes));
        const totals = createTotals(prefixes);
        for (const { worker, act } of steps) {
          const own = workers[worker]!;
          if (act === 'take') totals.add(sent(own.take()));
          else if (act === 'read') own.read();
          else {
            own.record(act.exchange, act.ms);
            alone.record(act.exchange, act.ms);
          }
        }
        for (const own of workers) totals.add(sent(own.take()));
        expect(byRoute(totals.read())).toEqual(byRoute(alone.read()));
        expect(totals.read()).toEqual(totals.read());
        for (const own of workers) expect(own.take()).toEqual({ rows: [] });
      }),
      { numRuns: 300 },
    );
  });

  it('never go down, and lose with a worker only what it had not sent', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const survived = createCounters(prefixes);
        const workers = [0, 1, 2].map(() => ({ counters: createCounters(prefixes), unsent: [] as Ended[] }));
        const totals = createTotals(prefixes);
        let before = configured(totals.read());
        for (const { worker, act } of steps) {
          const own = workers[worker]!;
          if (act === 'read') {
            // It dies, and another takes its place.
            workers[worker] = { counters: createCounters(prefixes), unsent: [] };
          } else if (act === 'take') {
            totals.add(sent(own.counters.take()));
            for (const { exchange, ms } of own.unsent.splice(0)) survived.record(exchange, ms);
            const now = configured(totals.read());
            for (const [path, value] of before) expect(now.get(path), path).toBeGreaterThanOrEqual(value);
            before = now;
          } else {
            own.counters.record(act.exchange, act.ms);
            own.unsent.push(act);
          }
        }
        expect(byRoute(totals.read())).toEqual(byRoute(survived.read()));
      }),
      { numRuns: 200 },
    );
  });

  it('send only routes that were called since', () => {
    const counters = createCounters(prefixes);
    expect(counters.take()).toEqual({ rows: [] });
    counters.record(plain, 1);
    counters.record({ ...plain, route: '/b' }, 1);
    expect(counters.take().rows.map(({ route }) => route)).toEqual(['/a', '/b']);
    counters.record({ ...plain, route: undefined }, 1);
    expect(counters.take().rows.map((row) => 'route' in row)).toEqual([false]);
  });
});

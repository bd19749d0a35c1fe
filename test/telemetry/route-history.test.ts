import { describe, expect, it } from 'vitest';
import { createCounters } from '../../src/telemetry/counters.ts';
import type { CountedExchange } from '../../src/telemetry/route-counts.ts';
import { RouteHistory } from '../../src/telemetry/route-history.ts';
import { countedExchange } from '../support/counted-exchange.ts';

const exchange = (route: string, more: Partial<CountedExchange> = {}) => countedExchange({ route, ...more });

describe('the history of routes', () => {
  it('tells of each spell how many requests a second there were, how long they took and what went wrong', () => {
    const { record, read } = createCounters(['/a', '/b']);
    const history = new RouteHistory();
    record(exchange('/a'), 50_000);
    history.take(read(), 1_000);
    expect(history.read().get('/a')).toEqual({ rate: [], p50: [], p99: [], errors: [] });
    for (let i = 0; i < 20; i++) record(exchange('/a'), 8);
    record(exchange('/a', { status: 502, error: 'token-refused' }), 0.2);
    history.take(read(), 6_000);
    history.take(read(), 11_000);
    const told = history.read();
    expect(told.get('/a')).toMatchObject({ rate: [4.2, 0], errors: [1, 0] });
    expect(told.get('/a')?.p50[0]).toBeGreaterThan(5);
    expect(told.get('/a')?.p99[0]).toBeLessThanOrEqual(10);
    expect(told.get('/a')?.p99[1]).toBeUndefined();
    expect(told.get('/b')).toMatchObject({ rate: [0, 0] });
    expect(told.get(undefined)).toMatchObject({ rate: [0, 0] });
  });

  it('keeps sixty spells', () => {
    const { record, read } = createCounters(['/a']);
    const history = new RouteHistory();
    for (let i = 0; i < 100; i++) {
      for (let n = 0; n < i; n++) record(exchange('/a'), 1);
      history.take(read(), i * 1_000);
    }
    const { rate } = history.read().get('/a')!;
    expect([rate.length, rate[0], rate.at(-1)]).toEqual([60, 40, 99]);
  });

  it('keeps the 200 routes with most requests', () => {
    const { record, read } = createCounters(Array.from({ length: 300 }, (_, i) => `/r${i}`));
    const history = new RouteHistory();
    for (let i = 0; i < 300; i++) for (let n = 0; n < i; n++) record(exchange(`/r${i}`), 1);
    history.take(read(), 0);
    const told = history.read();
    expect([told.size, told.has('/r299'), told.has('/r0')]).toEqual([200, true, false]);
  });

  it('begins anew with a route whose counts began anew', () => {
    const before = createCounters(['/a']);
    before.record(exchange('/a'), 1);
    const history = new RouteHistory();
    history.take(before.read(), 0);
    history.take(before.read(), 1_000);
    history.take(createCounters(['/a']).read(), 2_000);
    expect(history.read().get('/a')?.rate).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { exchangeLog } from '../../src/cli/exchange-log.ts';
import { type Exchange, exchangeFactory } from '../../src/gateway/record.ts';
import { createCounters } from '../../src/telemetry/counters.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { isInShare } from '../../src/telemetry/trace-share.ts';
import { ManualClock } from '../support/manual-clock.ts';

const many = 4_000;

function setting(sampleRate: number) {
  const lines: { trace_id: string; sample_rate?: number }[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const clock = new ManualClock();
  const counters = createCounters(['/x']);
  const end = exchangeLog(createLog({ level: 'info', stream }), clock, counters, { sampleRate });
  const newExchange = exchangeFactory(() => clock.mono());
  const once = (facts: Partial<Exchange> = {}) => {
    const exchange = Object.assign(newExchange('GET'), { route: '/x', status: 200, ...facts });
    end(exchange);
    return exchange;
  };
  return { lines, clock, counters, once, end, newExchange };
}

describe('a log of a share of ordinary requests', () => {
  it('has about that share of them, each saying so, and the counters have all', () => {
    const { lines, counters, once } = setting(0.25);
    for (let i = 0; i < many; i++) once();
    expect(lines.length / many).toBeGreaterThan(0.2);
    expect(lines.length / many).toBeLessThan(0.3);
    expect(new Set(lines.map((line) => line.sample_rate))).toEqual(new Set([0.25]));
    expect(counters.read()[0]?.requests).toBe(many);
  });

  it.each([
    ['an error of ours', { status: 502, error: 'upstream-closed' }],
    ['a client error', { status: 404 }],
    ['no answer', { status: 0, aborted: 'caller' }],
    ['an answer broken off', { aborted: 'upstream' }],
    ['a recovered token', { retry: 'recovered' }],
    ['a stale connection', { resent: true }],
    ['a tunnel', { status: 101, tunnel: 'caller' }],
  ] as [string, Partial<Exchange>][])('has every request with %s', (_, facts) => {
    const { lines, once } = setting(0);
    for (let i = 0; i < 3; i++) once(facts);
    once();
    expect(lines.map((line) => line.sample_rate)).toEqual([undefined, undefined, undefined]);
  });

  it('has every request that took a second', async () => {
    const { lines, clock, end, newExchange } = setting(0);
    const [slow, quick] = [newExchange('GET'), newExchange('GET')];
    await clock.advance(999);
    end(Object.assign(quick, { status: 200 }));
    await clock.advance(1);
    end(Object.assign(slow, { status: 200 }));
    expect(lines.map((line) => line.trace_id)).toEqual([slow.traceId]);
  });

  it('says nothing of a share when all are logged', () => {
    const { lines, once } = setting(1);
    once();
    expect(lines[0]).not.toHaveProperty('sample_rate');
  });

  it('goes by the trace alone, and a larger share has all of a smaller one', () => {
    const traces = Array.from({ length: 500 }, () => exchangeFactory(() => 0)('GET').traceId);
    const shares = [0, 0.1, 0.5, 0.9, 1].map((share) => traces.filter((id) => isInShare(id, share)));
    for (const [i, smaller] of shares.slice(0, -1).entries())
      expect(shares[i + 1]).toEqual(expect.arrayContaining(smaller));
    expect(shares.map((one) => one.length)).toEqual([
      0,
      expect.any(Number),
      expect.any(Number),
      expect.any(Number),
      500,
    ]);
    const { lines, once } = setting(0.5);
    const logged = Array.from({ length: 200 }, () => once().traceId).filter((id) => isInShare(id, 0.5));
    expect(lines.map((line) => line.trace_id)).toEqual(logged);
  });
});

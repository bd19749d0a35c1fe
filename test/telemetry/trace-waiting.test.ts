import { describe, expect, it } from 'vitest';
import { exchangeFactory } from '../../src/gateway/record.ts';
import { TraceWaiting } from '../../src/telemetry/trace-waiting.ts';

const newExchange = exchangeFactory(() => 0);

describe('those who wait for a token', () => {
  it('are taken once, in the order they came, each tenant apart', () => {
    const waiting = new TraceWaiting();
    const [first, second, third] = [newExchange('GET'), newExchange('GET'), newExchange('GET')];
    waiting.add(first, 'acme', undefined);
    waiting.add(second, 'acme', 'one');
    waiting.add(third, 'acme', undefined);
    expect(waiting.take('acme', undefined)).toEqual([first, third]);
    expect(waiting.take('acme', undefined)).toEqual([]);
    expect(waiting.take('acme', 'one')).toEqual([second]);
  });

  it('wait for what they have asked for last, until they are forgotten', () => {
    const waiting = new TraceWaiting();
    const [one, other] = [newExchange('GET'), newExchange('GET')];
    waiting.add(one, 'acme', undefined);
    waiting.add(one, 'acme', 'late');
    expect(waiting.take('acme', undefined)).toEqual([]);
    waiting.add(other, 'acme', 'late');
    waiting.forget(one);
    expect(waiting.take('acme', 'late')).toEqual([other]);
  });
});

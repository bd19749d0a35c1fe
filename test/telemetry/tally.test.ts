import { describe, expect, it } from 'vitest';
import { createTally } from '../../src/telemetry/tally.ts';

describe('a tally', () => {
  it('counts each combination of labels by itself, whatever the values', () => {
    const tally = createTally(['a', 'b']);
    tally.add({ a: '1', b: '2' });
    tally.add({ b: '2', a: '1' });
    tally.add({ a: '1","', b: '2' });
    tally.add({ a: '1', b: '","2' });
    expect(tally.read().map(({ labels, count }) => [labels, count])).toEqual([
      [{ a: '1', b: '2' }, 2],
      [{ a: '1","', b: '2' }, 1],
      [{ a: '1', b: '","2' }, 1],
    ]);
  });

  it('adds up durations of those that have one', () => {
    const tally = createTally(['a']);
    tally.add({ a: 'x' }, 3);
    tally.add({ a: 'x' }, 4.5);
    tally.add({ a: 'x' });
    const [one] = tally.read();
    expect([one?.count, one?.durations.sum, one?.durations.buckets.reduce((sum, n) => sum + n, 0)]).toEqual([
      3, 7.5, 2,
    ]);
  });
});

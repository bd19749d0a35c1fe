import { describe, expect, it } from 'vitest';
import { contenderFigures, figure, type Sample } from '../../bench/figures.ts';

const yardstick = 'bare';

function sample(contender: string, round: number, cpuMicros: number | undefined): Sample {
  const rssBytes = cpuMicros === undefined ? undefined : 1000 * round;
  const common = { requests: 10, perSecond: 100 * round, p50Micros: 10 * round, p99Micros: 20 * round };
  return { contender, round, cpuMicros, rssBytes, ...common };
}

describe('figure', () => {
  it('gives the middle one of an odd number of values, whatever their order', () => {
    expect(figure([30, 1, 200])).toEqual({ median: 30, low: 1, high: 200 });
  });

  it('gives the mean of the two in the middle of an even number', () => {
    expect(figure([9, 1, 4, 2])).toEqual({ median: 3, low: 1, high: 9 });
  });

  it('gives a single value for all three', () => {
    expect(figure([7])).toEqual({ median: 7, low: 7, high: 7 });
  });

  it('leaves the values in their order', () => {
    const values = [3, 1, 2];
    figure(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('refuses to speak of no values', () => {
    expect(() => figure([])).toThrow(RangeError);
  });
});

describe('contenderFigures', () => {
  it('takes the ratio to the yardstick within each round, so that a slow round cancels out', () => {
    const samples = [
      sample('bare', 1, 10),
      sample('ours', 1, 12),
      sample('bare', 2, 100),
      sample('ours', 2, 110),
      sample('bare', 3, 20),
      sample('ours', 3, 26),
    ];
    const ours = contenderFigures(samples, yardstick).find(({ contender }) => contender === 'ours');
    expect(ours?.ratio).toEqual({ median: 1.2, low: 1.1, high: 1.3 });
    expect(ours?.cpuMicros).toEqual({ median: 26, low: 12, high: 110 });
    expect(ours?.perSecond).toEqual({ median: 200, low: 100, high: 300 });
    expect(ours?.p50Micros.median).toBe(20);
    expect(ours?.p99Micros.median).toBe(40);
    expect(ours?.rssBytes?.high).toBe(3000);
  });

  it('orders by cost, those without one first', () => {
    const samples = [sample('bare', 1, 10), sample('dear', 1, 30), sample('cheap', 1, 2)];
    const made = contenderFigures([...samples, sample('direct', 1, undefined)], yardstick);
    expect(made.map(({ contender }) => contender)).toEqual(['direct', 'cheap', 'bare', 'dear']);
  });

  it('leaves out what does not apply', () => {
    const [direct] = contenderFigures([sample('direct', 1, undefined), sample('bare', 1, 10)], yardstick);
    expect(Object.keys(direct!)).toEqual(['contender', 'perSecond', 'p50Micros', 'p99Micros']);
  });

  it('gives no ratio for a round in which the yardstick did not run', () => {
    const made = contenderFigures(
      [sample('bare', 1, 10), sample('ours', 1, 15), sample('ours', 2, 99)],
      yardstick,
    );
    expect(made.find(({ contender }) => contender === 'ours')?.ratio).toEqual({
      median: 1.5,
      low: 1.5,
      high: 1.5,
    });
  });
});

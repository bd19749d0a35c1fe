import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bounds, histogramIn, histogramSize, observe, quantile } from '../../src/telemetry/histogram.ts';

function histogramOf(durations: readonly number[]) {
  const row = new Float64Array(histogramSize);
  for (const ms of durations) observe(row, 0, ms);
  return histogramIn(row, 0);
}

describe('a histogram', () => {
  it('has inclusive bounds, and a bucket for what is longer than the last', () => {
    for (const [i, bound] of bounds.entries()) {
      expect(histogramOf([bound]).buckets.indexOf(1)).toBe(i);
      expect(histogramOf([bound + 0.001]).buckets.indexOf(1)).toBe(i + 1);
    }
    expect(histogramOf([0]).buckets.indexOf(1)).toBe(0);
    expect(histogramOf([]).buckets).toHaveLength(bounds.length + 1);
  });

  it('sums to the microsecond', () => {
    expect(histogramOf(Array.from({ length: 10 }, () => 0.1)).sum).toBe(1);
    expect(histogramOf([0.000_4, 0.000_4, 2.000_6]).sum).toBe(2.001);
  });

  it('stays within its part of a row', () => {
    const row = new Float64Array(histogramSize + 2);
    observe(row, 1, 1_000_000);
    expect([row[0], row[1], row.at(-2), row.at(-1)]).toEqual([0, 1_000_000_000, 1, 0]);
  });

  it('estimates a quantile in the bucket that holds it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.9, 0.99),
        (durations, q) => {
          const exact = durations.toSorted((a, b) => a - b)[Math.ceil(q * durations.length) - 1]!;
          const i = bounds.findIndex((bound) => exact <= bound);
          const estimate = quantile(q, histogramOf(durations))!;
          expect(estimate).toBeGreaterThanOrEqual(bounds[i - 1] ?? 0);
          expect(estimate).toBeLessThanOrEqual(bounds[i]!);
        },
      ),
    );
  });

  it('takes a bucket for evenly filled', () => {
    expect(quantile(0.5, histogramOf([60, 70, 80, 90]))).toBe(75);
    expect(quantile(0.25, histogramOf([0.1, 7, 7, 7]))).toBe(0.5);
  });

  it('estimates nothing of nothing, and the last bound for what is longer', () => {
    expect(quantile(0.5, histogramOf([]))).toBeUndefined();
    expect(quantile(0.5, histogramOf([61_000]))).toBe(60_000);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ageOf, regionOf, serveUntil, thresholds } from '../../src/token/region.ts';

describe('the regions of a token', () => {
  it('of an hour: SOFT 5 min before HARD, HARD 30 s before the end, EXPIRED 1 s before it', () => {
    const hour = thresholds(3_600_000, undefined, 0);
    expect(hour).toEqual({ lifetimeMs: 3_600_000, refreshAt: 3_270_000, hardAt: 3_570_000 });
    expect(thresholds(3_600_000, undefined, 0.5).refreshAt).toBe(3_120_000);
    expect(regionOf(hour, 3_269_999)).toBe('FRESH');
    expect(regionOf(hour, 3_270_000)).toBe('SOFT');
    expect(regionOf(hour, 3_570_000)).toBe('HARD');
    expect(regionOf(hour, 3_598_999)).toBe('HARD');
    expect(regionOf(hour, 3_599_000)).toBe('EXPIRED');
  });

  it('follow the provider’s hint while it lies before hardAt', () => {
    expect(thresholds(3_600_000, 2_700_000, 0).refreshAt).toBe(2_700_000);
    expect(thresholds(3_600_000, 3_570_000, 0).refreshAt).toBe(3_270_000);
    expect(thresholds(3_600_000, 0, 0).refreshAt).toBe(3_270_000);
    expect(thresholds(3_600_000, -5, 0).refreshAt).toBe(3_270_000);
  });

  it('keep their order for every lifetime, hint and jitter', () => {
    const lifetime = fc.oneof(
      fc.double(),
      fc.integer({ min: 0, max: 200_000 }),
      fc.constantFrom(Infinity, 1e308),
    );
    const hint = fc.option(fc.oneof(fc.double(), fc.integer({ min: -10, max: 200_000 })), { nil: undefined });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(lifetime, hint, random, (lifetimeMs, renewAfterMs, draw) => {
        const token = thresholds(lifetimeMs, renewAfterMs, draw);
        expect(token.refreshAt).toBeGreaterThanOrEqual(0);
        expect(token.hardAt).toBeGreaterThanOrEqual(token.refreshAt);
        expect(serveUntil(token)).toBeGreaterThanOrEqual(token.hardAt);
        expect(token.lifetimeMs).toBeGreaterThanOrEqual(serveUntil(token));
        expect(token.lifetimeMs).toBeLessThanOrEqual(86_400_000);
        if (lifetimeMs >= 1) expect(serveUntil(token)).toBeLessThan(token.lifetimeMs);
        expect(regionOf(token, token.lifetimeMs)).toBe('EXPIRED');
      }),
    );
  });

  it('are reckoned on the clock that says more, and never on a negative age', () => {
    const token = { t0Mono: 1_000, t0Wall: 50_000 };
    expect(ageOf(token, 1_500, 50_200)).toBe(500);
    expect(ageOf(token, 1_500, 57_000)).toBe(7_000);
    expect(ageOf(token, 1_500, 0)).toBe(500);
    expect(ageOf(token, 1_000, 0)).toBe(0);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Baseline, baselineOf, check, checkScenarios, parseBaseline } from '../../bench/check.ts';
import type { Figure } from '../../bench/results.ts';
import { around, emptyResults, measuredAs, sampleResults } from './sample-results.ts';

const tolerance = 0.1;

function baselineWith(ratios: Baseline['ratios']): Baseline {
  return { tolerance, ratios };
}

function verdictOf(measured: Figure, ratio: number): string | undefined {
  return check(measuredAs({ TLS: measured }), baselineWith({ TLS: ratio })).lines[0]?.verdict;
}

/** The same numbers for the same seed: mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ratios of rounds around 1 that vary by `deviation`: Box and Muller's normal distribution, on a logarithmic scale. */
function noise(deviation: number, next: () => number): () => number {
  return () => Math.exp(deviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
}

function figureOf(rounds: number, ratio: number, round: () => number): Figure {
  const sorted = Array.from({ length: rounds }, () => ratio * round()).sort((a, b) => a - b);
  const middle = (sorted[Math.ceil(rounds / 2) - 1]! + sorted[Math.floor(rounds / 2)]!) / 2;
  return { median: middle, low: sorted[0]!, high: sorted.at(-1)! };
}

/** How many of 100 checks call a regression, when the ratio is `ratio` times what the baseline once measured. */
function alarms(rounds: number, ratio: number, deviation = 0.05): number {
  const round = noise(deviation, random(rounds));
  const runs = 5000;
  let found = 0;
  for (let i = 0; i < runs; i++) {
    const baseline = figureOf(5, 1, round).median;
    if (verdictOf(figureOf(rounds, ratio, round), baseline) === 'regression') found++;
  }
  return (100 * found) / runs;
}

describe.each([3, 4, 5])('with %i rounds that vary by 5 %%', (rounds) => {
  it('a scenario that did not change raises an alarm in at most 1 of 100 runs', () => {
    expect(alarms(rounds, 1)).toBeLessThanOrEqual(1);
  });

  it('a rise by 20 % is seen in at least 95 of 100 runs, one by 15 % in most', () => {
    expect(alarms(rounds, 1.2)).toBeGreaterThanOrEqual(95);
    expect(alarms(rounds, 1.15)).toBeGreaterThanOrEqual(70);
  });
});

describe('the check', () => {
  it('passes at the baseline and shows measured ratio, baseline and limit', () => {
    const { ok, lines, text } = check(measuredAs({ TLS: around(1.04, 0.02) }), baselineWith({ TLS: 1 }));
    expect(ok).toBe(true);
    expect(lines).toMatchObject([{ scenario: 'TLS', verdict: 'ok', baseline: 1, limit: 1.1 }]);
    expect(text).toMatch(/^TLS +1\.04 \(1\.02–1\.07\) +1\.00 +1\.10 +ok$/m);
    expect(text).toMatch(/no regression\n$/);
  });

  it('fails when every round of one scenario is dearer, though the others are not', () => {
    const measured = measuredAs({ TLS: around(1), '64KiB': around(1.25, 0.03) });
    const { ok, lines, text } = check(measured, baselineWith({ TLS: 1, '64KiB': 1 }));
    expect(ok).toBe(false);
    expect(lines.map(({ verdict }) => verdict)).toEqual(['ok', 'regression']);
    expect(text).toMatch(/^64KiB .*REGRESSION$/m);
    expect(text).toMatch(/check failed\n$/);
  });

  it('passes, but says so, when only some rounds are dearer: the machine was disturbed', () => {
    const { ok, text } = check(
      measuredAs({ TLS: { median: 1.2, low: 0.89, high: 1.49 } }),
      baselineWith({ TLS: 1.05 }),
    );
    expect(ok).toBe(true);
    expect(text).toMatch(/^TLS: the median is above the limit, but not every round is dearer: run again/m);
  });

  it('is not talked out of it by one cheap round when the median is far above the limit', () => {
    expect(verdictOf({ median: 1.21, low: 0.8, high: 1.3 }, 1)).toBe('regression');
    expect(verdictOf({ median: 1.19, low: 0.8, high: 1.3 }, 1)).toBe('unclear');
  });

  it('has its limits at the tolerance for the median and half of it for the cheapest round', () => {
    expect(verdictOf({ median: 1.1, low: 1.09, high: 1.2 }, 1)).toBe('ok');
    expect(verdictOf({ median: 1.11, low: 1.06, high: 1.2 }, 1)).toBe('regression');
    expect(verdictOf({ median: 1.11, low: 1.04, high: 1.2 }, 1)).toBe('unclear');
    expect(verdictOf({ median: 0.89, low: 0.8, high: 0.94 }, 1)).toBe('better');
    expect(verdictOf({ median: 0.89, low: 0.8, high: 0.96 }, 1)).toBe('ok');
  });

  it('hints at a lower baseline when every round is cheaper', () => {
    const { ok, text } = check(measuredAs({ TLS: around(0.8, 0.02) }), baselineWith({ TLS: 1 }));
    expect(ok).toBe(true);
    expect(text).toContain('TLS: the baseline can be lowered: npm run bench -- --update-baseline');
  });

  it('fails when a scenario of the baseline was not measured, unless nobody wanted it', () => {
    const baseline = baselineWith({ TLS: 1, '64KiB': 1 });
    const measured = measuredAs({ TLS: around(1) });
    expect(check(measured, baseline)).toMatchObject({ ok: false });
    expect(check(measured, baseline).text).toMatch(/^64KiB +– +1\.00 +1\.10 +NOT MEASURED$/m);
    expect(check(measured, baseline, (name) => name === 'TLS')).toMatchObject({ ok: true });
  });

  it('fails when the measured ratio is no number, or Cupbearer took no part', () => {
    const broken = { median: Number.NaN, low: 1, high: 1 };
    expect(verdictOf(broken, 1)).toBe('not measured');
    const without = sampleResults.scenarios.map((scenario) => ({
      ...scenario,
      contenders: scenario.contenders.filter(({ contender }) => !contender.startsWith('cupbearer')),
    }));
    expect(check({ ...emptyResults, scenarios: without }, baselineWith({ TLS: 1 })).ok).toBe(false);
  });

  it('fails when there is nothing to compare with', () => {
    const { ok, lines, text } = check(measuredAs({ TLS: around(1) }), baselineWith({}));
    expect([ok, lines[0]?.verdict]).toEqual([false, 'no baseline']);
    expect(text).toContain('nothing to compare with: npm run bench -- --update-baseline');
  });

  it('looks at the set-up that the scenario is about: 10,000 routes, not one', () => {
    const { lines } = check(sampleResults, baselineOf(sampleResults));
    expect(lines.find(({ scenario }) => scenario === 'routes-10000')?.measured?.median).toBe(1.09);
  });

  it('never lets a dearer run pass where a cheaper one fails', () => {
    const ratio = fc.double({ min: 0.01, max: 100, noNaN: true });
    fc.assert(
      fc.property(ratio, ratio, fc.double({ min: 1, max: 2, noNaN: true }), (measured, baseline, dearer) => {
        const cheap = verdictOf(around(measured), baseline);
        if (cheap === 'regression') expect(verdictOf(around(measured * dearer), baseline)).toBe('regression');
      }),
    );
  });
});

describe('a baseline', () => {
  it('has the scenarios of --check that were measured, and passes its own check', () => {
    const baseline = baselineOf(sampleResults, tolerance);
    expect(Object.keys(baseline.ratios)).toEqual(checkScenarios);
    expect(baseline.ratios['1KiB-64']).toBe(1.06);
    const { lines } = check(sampleResults, baseline);
    const compared = lines.filter(({ verdict }) => verdict !== 'no baseline');
    expect(compared.map(({ verdict }) => verdict)).toEqual(checkScenarios.map(() => 'ok'));
    expect(baselineOf(emptyResults).ratios).toEqual({});
  });

  it('survives being written and read', () => {
    const baseline = baselineOf(sampleResults, 0.2);
    expect(parseBaseline(JSON.stringify(baseline))).toEqual(baseline);
  });

  it.each([
    '{}',
    'null',
    '{"tolerance":"0.1","ratios":{}}',
    '{"tolerance":0,"ratios":{}}',
    '{"tolerance":0.1}',
    '{"tolerance":0.1,"ratios":[]}',
    '{"tolerance":0.1,"ratios":{"TLS":null}}',
    '{"tolerance":0.1,"ratios":{"TLS":-1}}',
  ])('%s is refused: it would let everything pass', (json) => {
    expect(() => parseBaseline(json)).toThrow(TypeError);
  });

  it('that is on record can be read and knows only scenarios of --check', () => {
    const file = join(import.meta.dirname, '../../bench/baseline.json');
    const { ratios } = parseBaseline(readFileSync(file, 'utf8'));
    for (const name of Object.keys(ratios)) expect(checkScenarios).toContain(name);
  });
});

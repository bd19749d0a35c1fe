import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextGate, parseRetryAfter } from '../../src/token/backoff.ts';
import type { Failure } from '../../src/token/failure.ts';
import { ManualClock } from '../support/manual-clock.ts';

const failed: Failure = { kind: 'transient', error: 'http_500', detail: 'failed' };

describe('Retry-After', () => {
  const sentAt = Date.UTC(2030, 0, 1);

  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 5 ', 5_000],
    ['999999999999999999999', 3_600_000],
    ['Tue, 01 Jan 2030 00:00:30 GMT', 30_000],
    ['Tuesday, 01-Jan-30 00:00:30 GMT', 30_000],
    ['Mon, 31 Dec 2029 23:59:00 GMT', 0],
    ['Fri, 01 Feb 2030 00:00:00 GMT', 3_600_000],
    ['1.5', undefined],
    ['-1', undefined],
    ['soon', undefined],
    ['2030', 2_030_000],
    ['2030-01-01', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j is %j ms', (value, ms) => {
    expect(parseRetryAfter(value, sentAt)).toBe(ms);
  });
});

describe('the gate after failures', () => {
  it('never opens before Retry-After, and counts only failures of the same sort', () => {
    const kind = fc.constantFrom<Failure['kind']>(
      'transient',
      'rate_limited',
      'config',
      'timeout',
      'bad_answer',
    );
    const failure = fc.record({
      kind,
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 3_600_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.integer(), fc.array(failure, { minLength: 1, maxLength: 40 }), (seed, failures) => {
        const clock = new ManualClock(seed);
        let gate: ReturnType<typeof nextGate> | undefined;
        for (const one of failures) {
          const previous = gate;
          gate = nextGate(gate, { ...failed, ...one }, 's', clock);
          const wait = gate.untilServing - clock.mono();
          const starved = gate.untilStarved - clock.mono();
          expect(starved).toBeLessThanOrEqual(wait);
          if (gate.blocked) {
            expect(wait).toBeGreaterThanOrEqual(60_000);
            expect(wait).toBeLessThanOrEqual(900_000);
          } else {
            const asked = one.retryAfterMs ?? 0;
            expect(starved).toBeGreaterThanOrEqual(Math.max(asked, 500));
            expect(starved).toBeLessThanOrEqual(Math.max(asked * 1.2, 45_000));
            expect(wait).toBeLessThanOrEqual(Math.max(asked * 1.2, 90_000));
          }
          expect(gate.failures).toBe(previous?.blocked === gate.blocked ? previous.failures + 1 : 1);
        }
      }),
    );
  });

  it('lengthens Retry-After differently for each replica', () => {
    const waits = Array.from({ length: 50 }, (_, seed) => {
      const clock = new ManualClock(seed);
      return (
        nextGate(undefined, { ...failed, retryAfterMs: 100_000 }, 's', clock).untilServing - clock.mono()
      );
    });
    expect(new Set(waits.map((ms) => Math.floor(ms / 1_000))).size).toBeGreaterThan(10);
  });

  it('waits 5 s more when told to slow down (RFC 8628 §3.5)', () => {
    const clock = new ManualClock();
    const gate = nextGate(undefined, { ...failed, error: 'slow_down' }, 's', clock);
    expect(gate.untilStarved - clock.mono()).toBeGreaterThanOrEqual(5_500);
  });

  it('opens after 2 s for what the store alone decides, which asks no provider, however often', () => {
    const clock = new ManualClock();
    let gate = nextGate(undefined, { ...failed, kind: 'reauthorization' }, 's', clock);
    expect(gate.untilServing - clock.mono()).toBe(2_000);
    for (let i = 0; i < 20; i++) gate = nextGate(gate, { ...failed, local: true }, 's', clock);
    expect(gate.untilStarved - clock.mono()).toBe(2_000);
    expect(gate.failures).toBe(1);
  });

  it('opens after 15 minutes where asking again may lock an account', () => {
    const clock = new ManualClock();
    const gate = nextGate(undefined, { ...failed, kind: 'invalid_client', mayLock: true }, 's', clock);
    expect(gate.untilStarved - clock.mono()).toBe(900_000);
  });
});

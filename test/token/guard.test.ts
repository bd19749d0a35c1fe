import { describe, expect, it } from 'vitest';
import { Guard } from '../../src/token/guard.ts';
import { ManualClock } from '../support/manual-clock.ts';

const a = 'https://a.example';
const b = 'https://b.example';

/** Seconds at which a renewal is granted to an origin that asks every second for `seconds`. */
function grants(guard: Guard, clock: ManualClock, seconds: number, origin = a): number[] {
  const granted: number[] = [];
  for (let second = 0; second < seconds; second++) {
    const allowed = guard.allows(origin);
    const taken = guard.take(origin);
    expect(taken).toBe(allowed);
    if (taken) granted.push(second);
    clock.step(1_000);
  }
  return granted;
}

describe('the guard of forced renewals', () => {
  it('grants two, then one after 30, 60, 120, 240 and 300 s', () => {
    const clock = new ManualClock();
    expect(grants(new Guard(clock), clock, 1_100)).toEqual([0, 1, 30, 90, 210, 450, 750, 1050]);
  });

  it('returns to 30 s once a renewed token was taken', () => {
    const clock = new ManualClock();
    const guard = new Guard(clock);
    grants(guard, clock, 500);
    guard.accepted(a);
    expect(grants(guard, clock, 100)).toEqual([0, 10, 40]);
  });

  it('keeps origins apart, and fills up to two', () => {
    const clock = new ManualClock();
    const guard = new Guard(clock);
    grants(guard, clock, 500);
    expect(grants(guard, clock, 10, b)).toEqual([0, 1]);
    clock.step(10_000_000);
    expect(grants(guard, clock, 10)).toEqual([0, 1]);
  });
});

import { describe, expect, it } from 'vitest';
import { Watch } from '../../src/gateway/watch.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe('the watch', () => {
  it('looks at what is under way every half second, with one timer, and rests when nothing is', async () => {
    const clock = new ManualClock();
    const watch = new Watch(clock);
    const seen: [string, number][] = [];
    const one = { check: (now: number) => void seen.push(['one', now]) };
    const two = { check: (now: number) => void seen.push(['two', now]) };
    const start = clock.mono();
    const first = watch.enter(one);
    const second = watch.enter(two);
    expect(clock.pending).toBe(1);
    await clock.advance(500);
    watch.leave(second);
    await clock.advance(500);
    expect(seen.map(([name, now]) => [name, now - start])).toEqual([
      ['one', 500],
      ['two', 500],
      ['one', 1_000],
    ]);
    watch.leave(first);
    await clock.advance(500);
    expect(clock.pending).toBe(0);
    await clock.advance(10_000);
    expect(watch.enter(one)).toBe(first);
    expect(clock.pending).toBe(1);
  });
});

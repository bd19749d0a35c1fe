import { expect, it } from 'vitest';
import { createRouteTrends } from '../../src/cli/route-trends.ts';
import { createCounters } from '../../src/telemetry/counters.ts';
import { ManualClock } from '../support/manual-clock.ts';

it('notes what routes do every five seconds from the first look until ten minutes after the last', async () => {
  const { read } = createCounters(['/a']);
  let reads = 0;
  const counts = () => {
    reads++;
    return read();
  };
  const clock = new ManualClock();
  const trends = createRouteTrends(counts, clock);
  const spells = () => trends().routes.get('/a')?.rate.length;
  await clock.advance(60_000);
  expect([reads, clock.pending]).toEqual([0, 0]);
  expect([trends().everyMs, spells()]).toEqual([5_000, 0]);
  await clock.advance(21_000);
  expect(spells()).toBe(4);
  await clock.advance(599_000);
  expect(spells()).toBe(60);
  await clock.advance(610_000);
  expect(clock.pending).toBe(0);
  expect(spells()).toBe(0);
});

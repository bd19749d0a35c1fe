import { describe, expect, it } from 'vitest';
import { countedStore, type StoreCounts } from '../../src/cli/counted-store.ts';
import { CupbearerError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { createTally } from '../../src/telemetry/tally.ts';
import { storeConformance } from '../store/conformance.ts';
import { smallSession } from '../store/sessions.ts';
import { ManualClock } from '../support/manual-clock.ts';

const acme = { credential: 'acme', tenant: 'a-tenant' };

const newCounts = (): StoreCounts => createTally(['operation', 'outcome']);

const told = (counts: StoreCounts) =>
  Object.fromEntries(
    counts.read().map(({ labels, count }) => [`${labels.operation} ${labels.outcome}`, count]),
  );

describe('a counted store', () => {
  storeConformance(async () => {
    let now = Date.UTC(2030, 0, 1);
    const store = countedStore(
      createMemoryStore(() => now),
      newCounts(),
      new ManualClock(),
    );
    return {
      store,
      other: store,
      async pass(ms) {
        now += ms;
      },
      close: () => store.close(),
    };
  });

  it('counts operations by what came of them', async () => {
    const counts = newCounts();
    const store = countedStore(
      createMemoryStore(() => 0),
      counts,
      new ManualClock(),
    );
    await store.load(acme);
    await store.lease(acme, 'one', 1_000);
    await store.lease(acme, 'one', 1_000);
    await store.lease(acme, 'two', 1_000);
    await store.compareAndSet(acme, undefined, smallSession('h1'));
    await store.compareAndSet(acme, 'other', smallSession('h2'));
    await store.release(acme, 'one');
    await store.list();
    await store.delete(acme);
    expect(told(counts)).toEqual({
      'load ok': 1,
      'lease ok': 2,
      'lease conflict': 1,
      'compare_and_set ok': 1,
      'compare_and_set conflict': 1,
      'release ok': 1,
      'list ok': 1,
      'delete ok': 1,
    });
    expect(JSON.stringify(counts.read())).not.toContain('a-tenant');
  });

  it('counts failures by their kind, passes them on, and measures how long they took', async () => {
    const clock = new ManualClock();
    const counts = newCounts();
    const failing = (error: Error): Store => ({
      ...createMemoryStore(() => 0),
      async load() {
        await clock.advance(250);
        throw error;
      },
    });
    const errors = [
      new CupbearerError('store-unavailable', 'away'),
      new CupbearerError('store-unreadable', 'altered'),
      new TypeError('a defect'),
    ];
    for (const error of errors) {
      await expect(countedStore(failing(error), counts, clock).load(acme)).rejects.toBe(error);
    }
    expect(told(counts)).toEqual({ 'load unavailable': 1, 'load unreadable': 1, 'load error': 1 });
    expect(counts.read().map(({ durations }) => durations.sum)).toEqual([250, 250, 250]);
  });
});

import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory.ts';
import { storeConformance } from './conformance.ts';

describe('the memory store', () => {
  storeConformance(async () => {
    let now = Date.UTC(2030, 0, 1);
    const store = createMemoryStore(() => now);
    return {
      store,
      other: store,
      async pass(ms) {
        now += ms;
      },
      close: () => store.close(),
    };
  });

  it('frees a lease that was taken before the clock was set back', async () => {
    let now = Date.UTC(2030, 0, 1);
    const store = createMemoryStore(() => now);
    await store.lease({ credential: 'acme' }, 'one', 30_000);
    now -= 59_000;
    expect(await store.lease({ credential: 'acme' }, 'two', 30_000)).toBe('one');
    now -= 2_000;
    expect(await store.lease({ credential: 'acme' }, 'two', 30_000)).toBe('two');
  });
});

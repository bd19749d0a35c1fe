import { describe, expect, it } from 'vitest';
import { settled } from '../support/manual-clock.ts';
import { hour, type Simulated, simulate, unavailable } from './setting.ts';

/** A minute of full load: acquire() every 5 ms. What had to be waited for after the first token, and the token calls. */
async function minute(answer: (count: number) => Simulated, seed = 1, seconds = 60) {
  const { clock, credential, grant } = simulate(answer, seed);
  const start = clock.mono();
  const first = credential.acquire();
  while (grant.running > 0 || !credential.view().hadToken) await clock.advance(5);
  await first;
  const waits: Promise<unknown>[] = [];
  while (clock.mono() - start < seconds * 1_000) {
    const token = attempt(() => credential.acquire());
    if (token instanceof Promise) waits.push(token.catch(() => undefined));
    await clock.advance(5);
  }
  await clock.advance(30_000);
  await Promise.all(waits);
  const gaps = grant.calls.slice(1).map((at, i) => at - (grant.calls[i] as number));
  return { waits: waits.length, calls: grant.calls.length, closest: Math.min(...gaps) };
}

/** What `get` gives or throws. */
function attempt<T>(get: () => T): T | unknown {
  try {
    return get();
  } catch (error) {
    return error;
  }
}

const lasting = (lifetimeMs: number, latencyMs: number) => (n: number) => ({
  value: `t${n}`,
  lifetimeMs,
  latencyMs,
});
const seeds = [1, 2, 3, 4, 5];

describe('the pace of renewals', () => {
  it.each(seeds)('lets nobody wait for tokens of 2 s but the first (seed %i)', async (seed) => {
    const { waits, calls, closest } = await minute(lasting(2_000, 50), seed);
    expect(waits).toBe(0);
    expect(calls).toBeLessThanOrEqual(60_000 / 550 + 1);
    expect(closest).toBeGreaterThanOrEqual(550);
  });

  it.each([2_000, 2_500, 3_000, 4_000, 5_000, 7_000, 10_000])(
    'lets nobody wait for tokens of %i ms when a renewal takes 200 ms',
    async (lifetimeMs) => {
      for (const seed of seeds) {
        const { waits, calls } = await minute(lasting(lifetimeMs, 200), seed, 20);
        expect(waits).toBe(0);
        expect(calls).toBeLessThanOrEqual(20_000 / (lifetimeMs * 0.275) + 1);
      }
    },
  );

  it('lets nobody wait for tokens of 1 s, in four calls a second at most', async () => {
    const { waits, calls, closest } = await minute(lasting(1_000, 50));
    expect(waits).toBe(0);
    expect(calls).toBeLessThanOrEqual(4 * 60 + 1);
    expect(closest).toBeGreaterThanOrEqual(250);
  });

  it.each([0, 100, 500])(
    'asks once a second for tokens of %i ms, which nobody can hold',
    async (lifetimeMs) => {
      const { calls, closest } = await minute(lasting(lifetimeMs, 0));
      expect(calls).toBeLessThanOrEqual(61);
      expect(closest).toBeGreaterThanOrEqual(1_000);
    },
  );

  it('keeps a second between renewals that a hint asks for, when the token lasts', async () => {
    const { waits, closest } = await minute((n) => ({ ...lasting(hour, 50)(n), renewAfterMs: 100 }));
    expect(waits).toBe(0);
    expect(closest).toBeGreaterThanOrEqual(1_000);
  });

  it('keeps a second between the tries to renew a short token that fail', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { closest } = await minute(
        (n) => (n > 1 ? { failure: unavailable, latencyMs: 10 } : { value: 't1', lifetimeMs: 2_900 }),
        seed,
        5,
      );
      expect(closest).toBeGreaterThanOrEqual(1_000);
    }
  });

  it('keeps a second between a renewal and what follows a revocation', async () => {
    const { clock, credential, grant } = simulate(lasting(2_000, 0));
    const { refreshAt } = await credential.acquire();
    await clock.advance(refreshAt);
    void credential.acquire();
    await settled();
    expect(grant.calls.length).toBe(2);
    await credential.revoke(async () => ({
      revoked: 1,
      deleted: false,
      failure: undefined,
      unsupported: false,
    }));
    const next = credential.acquire();
    await clock.advance(999);
    expect(grant.calls.length).toBe(2);
    await clock.advance(1);
    await next;
    expect(grant.calls.length).toBe(3);
  });
});

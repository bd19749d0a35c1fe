import { describe, expect, it } from 'vitest';
import { thresholds } from '../../src/token/region.ts';
import { ManualClock, settled } from '../support/manual-clock.ts';
import { answer } from '../support/token-endpoint.ts';
import { carried, failure, hour, now, openRoom, type Simulated, simulate, unavailable } from './setting.ts';

describe('when a token is renewed', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'R1 asks at most twice in 4 s for tokens of 5 s (seed %i)',
    async (seed) => {
      const { clock, credential, grant } = simulate((n) => ({ value: `t${n}`, lifetimeMs: 5_000 }), seed);
      for (let i = 0; i < 100; i++) {
        await credential.acquire();
        await clock.advance(40);
      }
      expect(grant.calls.length).toBeLessThanOrEqual(2);
    },
  );

  it.each([
    ['absent', {}],
    ['null', { expires_in: null }],
  ])('R2 keeps a token whose lifetime is %s for default_lifetime, then asks once', async (_, more) => {
    const { clock, endpoint, registry, log } = await openRoom(
      (n) => ({ json: answer(`t${n}`, undefined, more) }),
      {
        provider: { response: { default_lifetime: 120_000 } },
      },
    );
    const acme = registry.get('acme');
    await acme.acquire();
    for (let i = 0; i < 1_000; i++) {
      now(acme.acquire());
      clock.step(10);
    }
    expect(endpoint.calls.length).toBe(1);
    clock.step(110_000);
    const waits = Array.from({ length: 100 }, () => acme.acquire());
    expect(carried(await waits[99])).toBe('t2');
    for (let i = 0; i < 1_000; i++) now(acme.acquire());
    expect(endpoint.calls.length).toBe(2);
    expect(log.fetches[0]).toMatchObject({ lifetimeMs: 120_000, lifetimeKnown: false });
    expect(log.fetches[0]?.warnings).not.toEqual([]);
  });

  it('R3 waits half the rest, at least 5 s, when the provider gives the same token back', async () => {
    const start = new ManualClock().mono();
    const { clock, credential, grant, log } = simulate(() => {
      const left = start + hour - clock.mono();
      return left > 1_000 ? { value: 't1', lifetimeMs: left } : { value: 't2', lifetimeMs: hour };
    });
    while (carried(await credential.acquire()) === 't1') await clock.advance(100);
    const inWindow = grant.calls.slice(1, -1);
    expect(inWindow.length).toBeGreaterThan(2);
    expect(grant.calls.length).toBeLessThan(15);
    for (const [i, at] of inWindow.entries()) {
      const next = grant.calls[i + 2] as number;
      const left = start + hour - at;
      if (left > 6_000) expect(next - at).toBeGreaterThanOrEqual(Math.max(5_000, left / 2));
    }
    expect(log.noops).toBe(grant.calls.length - 2);
  });

  it('R4 gives a token without lifetime to those who wait for it, and asks once a second', async () => {
    const { clock, credential, grant } = simulate((n) => ({ value: `t${n}`, lifetimeMs: 0, latencyMs: 20 }));
    const served: Promise<unknown>[] = [];
    for (let i = 0; i < 2_500; i++) {
      const token = credential.acquire();
      expect(token).toBeInstanceOf(Promise);
      const askedAt = clock.mono();
      served.push(
        (async () => {
          const number = Number(carried(await token)?.slice(1));
          expect((grant.calls[number - 1] as number) + 20).toBeGreaterThanOrEqual(askedAt);
        })(),
      );
      await clock.advance(2);
    }
    await clock.advance(2_000);
    await Promise.all(served);
    expect(grant.calls.length).toBeLessThanOrEqual(7);
    for (const [i, at] of grant.calls.slice(1).entries()) {
      expect(at - (grant.calls[i] as number)).toBeGreaterThanOrEqual(1_000);
    }
  });

  it.each([0, -1, '0'])('R4 takes expires_in %j for expired on arrival and says so', async (expires_in) => {
    const { endpoint, registry, log } = await openRoom((n) => ({ json: answer(`t${n}`, expires_in) }));
    expect(carried(await registry.get('acme').acquire())).toBe('t1');
    expect(log.fetches[0]).toMatchObject({ lifetimeMs: 0, lifetimeKnown: true });
    expect(log.fetches[0]?.warnings).not.toEqual([]);
    const next = failure(() => registry.get('acme').acquire(), 'shutting-down');
    expect(endpoint.calls.length).toBe(1);
    await registry.close();
    await next;
  });

  it('R5 counts the lifetime from before the request was sent', async () => {
    const { clock, credential } = simulate((n) => ({ value: `t${n}`, lifetimeMs: 15_000, latencyMs: 9_000 }));
    const first = credential.acquire();
    await clock.advance(9_000);
    expect(carried(await first)).toBe('t1');
    await clock.advance(4_900);
    expect(carried(now(credential.acquire()))).toBe('t1');
    await clock.advance(200);
    expect(credential.acquire()).toBeInstanceOf(Promise);
  });

  it.each(['2026-09-28T10:00:00Z', '1h', '3600s', '0x10'])(
    'R6 does not read a number out of expires_in %j',
    async (expires_in) => {
      const { registry, log } = await openRoom(() => ({ json: answer('t', expires_in) }));
      await registry.get('acme').acquire();
      expect(log.fetches[0]).toMatchObject({ lifetimeMs: 300_000, lifetimeKnown: false });
    },
  );

  it('R6 reads a date where the provider says that there is one', async () => {
    const iso = new Date(new ManualClock().wall() + 900_000).toISOString();
    const { registry, log } = await openRoom(
      () => ({ json: answer('t', iso), headers: { date: new Date(new ManualClock().wall()).toUTCString() } }),
      { provider: { response: { expires: { path: 'expires_in', as: 'iso' } } } },
    );
    await registry.get('acme').acquire();
    expect(log.fetches[0]).toMatchObject({ lifetimeMs: 900_000, lifetimeKnown: true });
  });

  it.each(['soon', '', 'NaN', {}, 1e308])(
    'R7 gives a token with expires_in %j the default lifetime',
    async (given) => {
      const { clock, endpoint, registry, log } = await openRoom((n) => ({ json: answer(`t${n}`, given) }));
      await registry.get('acme').acquire();
      expect(log.fetches[0]?.lifetimeMs).toBeLessThanOrEqual(300_000);
      expect(log.fetches[0]?.warnings).not.toEqual([]);
      clock.step(300_000);
      await registry.get('acme').acquire();
      expect(endpoint.calls.length).toBe(2);
    },
  );

  it('R7 never lets a lifetime that is no number last', () => {
    expect(thresholds(Number.NaN, undefined, 0.5)).toEqual({ lifetimeMs: 0, refreshAt: 0, hardAt: 0 });
    expect(thresholds(hour, Number.NaN, 0).refreshAt).toBe(thresholds(hour, undefined, 0).refreshAt);
  });

  it.each(Array.from({ length: 20 }, (_, i) => i))(
    'R8 bridges a minute without provider from the start of the soft window (seed %i)',
    async (seed) => {
      let failing = false;
      const { clock, credential, grant } = simulate(
        (n): Simulated =>
          failing
            ? { failure: unavailable, latencyMs: 50 }
            : { value: `t${n}`, lifetimeMs: hour, latencyMs: 50 },
        seed,
      );
      const first = credential.acquire();
      await clock.advance(50);
      const { refreshAt, hardAt } = await first;
      await clock.advance(refreshAt - 50);
      failing = true;
      const calls = grant.calls.length;
      for (let age = refreshAt; carried(now(credential.acquire())) === 't1'; age += 100) {
        failing = age - refreshAt < 60_000;
        expect(age).toBeLessThan(hardAt);
        await clock.advance(100);
      }
      expect(grant.calls.length).toBeGreaterThan(calls + 1);
    },
  );

  it('R9 spreads the renewals of replicas that started together', async () => {
    const clock = new ManualClock();
    const replicas = Array.from({ length: 200 }, () => simulate(undefined, 1, clock));
    let total = 0;
    let peak = 0;
    for (let second = 0; second < 12 * 3_600; second++) {
      for (const { credential } of replicas) {
        const token = credential.acquire();
        if (token instanceof Promise) await token;
      }
      await settled();
      const calls = replicas.reduce((sum, { grant }) => sum + grant.calls.length, 0);
      if (second > 0) peak = Math.max(peak, calls - total);
      total = calls;
      clock.step(1_000);
    }
    expect(total).toBeGreaterThan(200 * 12);
    expect(peak).toBeLessThanOrEqual(10);
  });

  it.each([
    ['duration over an absolute time', { expires_in: 3600, expires_at: 'past' }],
    ["an absolute time less the answer's Date", { expires_at: 'hour' }],
  ])('R10 trusts %s when the clocks disagree', async (_, fields) => {
    const server = new ManualClock().wall() - 600_000;
    const expires_at = (fields.expires_at === 'hour' ? server + hour : server - hour) / 1_000;
    const { registry, log } = await openRoom(
      () => ({
        json: { ...answer('t'), ...fields, expires_at },
        headers: { date: new Date(server).toUTCString() },
      }),
      {
        provider: {
          response: {
            expires: [
              { path: 'expires_in', as: 'seconds' },
              { path: 'expires_at', as: 'epoch' },
            ],
          },
        },
      },
    );
    await registry.get('acme').acquire();
    expect(log.fetches[0]).toMatchObject({ lifetimeMs: hour, lifetimeKnown: true });
  });
});

import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/token/clock.ts';
import { answer } from '../support/token-endpoint.ts';
import { carried, failure, hour, now, openRoom, simulate, unavailable } from './setting.ts';

describe('on two clocks', () => {
  it('R46 takes a token for expired after the machine slept, and waits for one request', async () => {
    const { clock, credential, grant } = simulate();
    await credential.acquire();
    clock.suspend(7_200_000);
    await clock.advance(1_000);
    const waits = Array.from({ length: 50 }, () => credential.acquire());
    expect(waits[0]).toBeInstanceOf(Promise);
    expect(carried(await waits[49])).toBe('t2');
    expect(grant.calls.length).toBe(2);
  });

  it('R47 lets a token expire by the monotonic clock when the wall clock is set back', async () => {
    const { clock, credential } = simulate();
    const { lifetimeMs } = await credential.acquire();
    clock.setWall(-hour);
    expect(carried(now(credential.acquire()))).toBe('t1');
    clock.step(lifetimeMs - 1_000);
    expect(carried(await credential.acquire())).toBe('t2');
  });

  it('R47 ends a back-off by the monotonic clock when the wall clock is set back', async () => {
    const { clock, credential } = simulate((n) =>
      n === 1 ? { failure: unavailable } : { value: `t${n}`, lifetimeMs: hour },
    );
    await failure(() => credential.acquire(), 'token-unavailable');
    clock.setWall(-hour);
    await clock.advance(1_500);
    expect(carried(await credential.acquire())).toBe('t2');
  });

  it('R48 makes no timer longer than 60 s for a token of 90 days, and one request', async () => {
    const { clock, endpoint, registry, log } = await openRoom((n) => ({
      json: answer(`t${n}`, 90 * 86_400),
    }));
    const acme = registry.get('acme');
    await acme.acquire();
    for (let i = 0; i < 80_000; i++) {
      now(acme.acquire());
      clock.step(1_000);
    }
    await clock.advance(60_000);
    expect(endpoint.calls.length).toBe(1);
    expect(log.fetches.length).toBe(1);
    expect(clock.longestTimer).toBeLessThanOrEqual(60_000);
  });

  it('R48 cuts a timer on the real clock to 60 s', () => {
    vi.useFakeTimers();
    try {
      const ran = vi.fn();
      systemClock.after(2 ** 31 + 5, ran);
      const cancel = systemClock.after(-1, () => ran('cancelled'));
      cancel();
      vi.advanceTimersByTime(59_999);
      expect(ran).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(ran).toHaveBeenCalledExactlyOnceWith();
    } finally {
      vi.useRealTimers();
    }
  });
});

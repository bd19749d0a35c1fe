import { describe, expect, it } from 'vitest';
import { isRefusal } from '../../src/gateway/refusal.ts';
import type { Token } from '../../src/token/token.ts';
import { ManualClock, settled } from '../support/manual-clock.ts';
import { carried, failure, hour, now, type Simulated, simulate, unavailable } from './setting.ts';

const a = 'https://a.example';
const b = 'https://b.example';

/** A token of `t<n>` that takes 50 ms to get; the first is there and 3 s old. */
async function warm(
  answer: (n: number) => Simulated = (n) => ({ value: `t${n}`, lifetimeMs: hour, latencyMs: 50 }),
) {
  const setting = simulate(answer);
  const first = setting.credential.acquire();
  await setting.clock.advance(3_000);
  return { ...setting, first: await first };
}

describe('when an upstream refuses the token', () => {
  it('R23 renews once for 50 refusals of one generation that come in over 5 s', async () => {
    const { clock, credential, grant, first } = await warm();
    const next: Promise<Token | undefined>[] = [];
    for (let i = 0; i < 50; i++) {
      next.push(credential.rejected(first, a));
      await clock.advance(100);
    }
    expect((await Promise.all(next)).map(carried)).toEqual(Array(50).fill('t2'));
    expect(grant.calls.length).toBe(2);
  });

  it('R24 answers a late refusal of an older generation with the current token, without a request', async () => {
    const { clock, credential, grant, first } = await warm();
    const forced = credential.rejected(first, a);
    await clock.advance(60);
    const second = (await forced) as Token;
    credential.accepted(second, a);
    await clock.advance(60_000);
    expect(await credential.rejected(first, a)).toBe(second);
    expect(now(credential.acquire())).toBe(second);
    expect(grant.calls.length).toBe(2);
  });

  it('R25 lets a refusal join the renewal that is running', async () => {
    const { clock, credential, grant, log, first } = await warm();
    await clock.advance(first.refreshAt);
    now(credential.acquire());
    await clock.advance(10);
    expect(grant.running).toBe(1);
    const next = credential.rejected(first, a);
    await clock.advance(100);
    expect(carried(await next)).toBe('t2');
    expect(grant).toMatchObject({ calls: { length: 2 }, mostRunning: 1 });
    expect(log.refusals).toEqual(['joined']);
  });

  it('R25 does not hand out the refused value again when that is all the provider gives', async () => {
    const { clock, credential, grant, log, first } = await warm(() => ({
      value: 't',
      lifetimeMs: hour,
      latencyMs: 50,
    }));
    const next = credential.rejected(first, a);
    expect(credential.acquire()).toBeInstanceOf(Promise);
    await clock.advance(100);
    expect(await next).toBeUndefined();
    expect(log.noops).toBe(1);
    expect(now(credential.acquire()).gen).toBe(first.gen);
    expect(grant.calls.length).toBe(2);
  });

  it('R25 keeps the current token when a renewal brings one that was refused before', async () => {
    const { clock, credential, first } = await warm((n) => ({
      value: n === 2 ? 't2' : 't1',
      lifetimeMs: hour,
      latencyMs: 50,
    }));
    const forced = credential.rejected(first, a);
    await clock.advance(50);
    const second = (await forced) as Token;
    credential.accepted(second, a);
    await clock.advance(second.refreshAt);
    now(credential.acquire());
    await clock.advance(50);
    expect(now(credential.acquire())).toBe(second);
  });

  it('R25 takes a value that was refused once when there is no other, and then forgives it', async () => {
    const values = ['x', 'y', 'x', 'y', 'x'];
    const { clock, credential, grant, first } = await warm((n) => ({
      value: values[n - 1] ?? 'z',
      lifetimeMs: hour,
      latencyMs: 50,
    }));
    void credential.rejected(first, a);
    await clock.advance(100);
    expect(carried(now(credential.acquire()))).toBe('y');
    for (const value of ['x', 'y']) {
      await clock.advance(hour);
      const token = credential.acquire();
      await clock.advance(50);
      expect(carried(await token)).toBe(value);
    }
    const y = now(credential.acquire());
    await clock.advance(y.refreshAt);
    expect(now(credential.acquire())).toBe(y);
    await clock.advance(50);
    expect(carried(now(credential.acquire()))).toBe('x');
    expect(grant.calls.length).toBe(5);
  });

  it.each([0, 50, 900])(
    'R26 asks at most 8 times in 10 min for an upstream that refuses everything (%i ms)',
    async (ms) => {
      const { clock, credential, grant } = simulate((n) => ({
        value: `t${n}`,
        lifetimeMs: hour,
        latencyMs: ms,
      }));
      let passed = 0;
      const exchange = async () => {
        const token = await credential.acquire();
        const next = await credential.rejected(token, a);
        if (next) await credential.rejected(next, a);
        passed++;
      };
      for (let i = 0; i < 600_000; i++) {
        void exchange();
        if (clock.isDue(1)) await clock.advance(1);
        else {
          clock.step(1);
          await undefined;
        }
      }
      await clock.advance(1_000);
      expect(passed).toBe(600_000);
      expect(grant.calls.length).toBeGreaterThan(3);
      expect(grant.calls.length).toBeLessThanOrEqual(8);
    },
  );

  it('R27 has a fresh token for the next request, though nobody waits for it', async () => {
    const { clock, credential, first } = await warm();
    void credential.rejected(first, a);
    const next = credential.acquire();
    expect(next).toBeInstanceOf(Promise);
    await clock.advance(50);
    expect(carried(await next)).toBe('t2');
  });

  it('R27 has the next request wait for the renewal that a refusal has joined', async () => {
    const { clock, credential, first } = await warm();
    await clock.advance(first.refreshAt);
    expect(now(credential.acquire())).toBe(first);
    await clock.advance(10);
    void credential.rejected(first, a);
    const next = credential.acquire();
    expect(next).toBeInstanceOf(Promise);
    await clock.advance(50);
    expect(carried(await next)).toBe('t2');
  });

  it('R27 has no third token for a request whose second was refused as well', async () => {
    const { clock, credential, grant, first } = await warm();
    const forced = credential.rejected(first, a);
    await clock.advance(50);
    expect(await credential.rejected((await forced) as Token, a)).toBeUndefined();
    expect(grant.calls.length).toBe(2);
  });

  it('R28 renews nothing when an answer is no refusal', async () => {
    const { clock, credential, grant, first } = await warm();
    for (let i = 0; i < 100; i++) {
      credential.accepted(first, a);
      await clock.advance(10);
    }
    expect(grant.calls.length).toBe(1);
    expect(isRefusal(['www-authenticate', 'Bearer error="insufficient_scope"'])).toBe(false);
    expect(isRefusal(['WWW-Authenticate', 'Bearer error="invalid_token"'])).toBe(true);
  });

  it('R29 does not take a demand for a DPoP nonce for a refusal of the token', () => {
    expect(isRefusal(['WWW-Authenticate', 'DPoP error="use_dpop_nonce"'])).toBe(false);
  });

  it('R30 fails within the wait when the provider hangs, not at the end of the refused lifetime', async () => {
    const { clock, credential, first } = await warm((n) => ({
      value: `t${n}`,
      lifetimeMs: hour,
      latencyMs: n === 1 ? 50 : Infinity,
    }));
    const next = credential.rejected(first, a);
    const waiting = failure(() => credential.acquire(), 'token-timeout');
    await clock.advance(10_000);
    expect(await next).toBeUndefined();
    await waiting;
    expect(credential.view()).toMatchObject({ region: 'REJECTED', refresh: 'BACKOFF' });
    await failure(() => credential.acquire(), 'token-unavailable');
  });

  it('R31 leaves the token to the origin that takes it, and stops renewing for the one that does not', async () => {
    const { clock, credential, grant, log } = await warm();
    credential.accepted(now(credential.acquire()), a);
    const refusals: Promise<unknown>[] = [];
    let sentTo = 0;
    for (let i = 0; i < 6_000; i++) {
      const token = now(credential.acquire());
      credential.accepted(token, a);
      sentTo = Math.max(sentTo, token.gen);
      refusals.push(credential.rejected(token, b));
      await clock.advance(100);
    }
    await Promise.all(refusals);
    expect(sentTo).toBeGreaterThan(1);
    expect(grant.calls.length).toBeLessThanOrEqual(8);
    expect(log.refusals).toContain('guarded');
  });

  it('R31 keeps serving the origin that takes the token while the provider is down', async () => {
    const { clock, credential, first } = await warm((n) =>
      n === 1 ? { value: 't1', lifetimeMs: hour, latencyMs: 50 } : { failure: unavailable, latencyMs: 50 },
    );
    credential.accepted(first, a);
    const next = credential.rejected(first, b);
    for (let i = 0; i < 100; i++) {
      expect(now(credential.acquire())).toBe(first);
      await clock.advance(100);
    }
    expect(await next).toBeUndefined();
  });

  it('serves a refused token again once somebody takes it', async () => {
    const { clock, credential, first } = await warm((n) =>
      n === 1 ? { value: 't1', lifetimeMs: hour, latencyMs: 50 } : { failure: unavailable, latencyMs: 50 },
    );
    void credential.rejected(first, a);
    await clock.advance(100);
    await failure(() => credential.acquire(), 'token-unavailable');
    credential.accepted(first, a);
    expect(now(credential.acquire())).toBe(first);
  });

  it('passes a refusal on while failures let no request start', async () => {
    const { clock, credential, grant, first } = await warm((n) =>
      n === 1 ? { value: 't1', lifetimeMs: hour, latencyMs: 50 } : { failure: unavailable },
    );
    await clock.advance(first.refreshAt);
    now(credential.acquire());
    await settled();
    expect(await credential.rejected(first, a)).toBeUndefined();
    expect(now(credential.acquire())).toBe(first);
    expect(grant.calls.length).toBe(2);
  });

  it('forces no renewal of a token younger than 2 s', async () => {
    const { credential, clock, grant, acquireNow } = simulate(undefined, 1, new ManualClock(3));
    const first = await credential.acquire();
    await clock.advance(1_999);
    expect(await credential.rejected(first, a)).toBeUndefined();
    expect(acquireNow()).toBe(first);
    expect(grant.calls.length).toBe(1);
    await clock.advance(1);
    expect(carried(await credential.rejected(first, a))).toBe('t2');
  });

  it('stops waiting when the caller leaves', async () => {
    const { clock, credential, first } = await warm();
    const leaver = new AbortController();
    const next = credential.rejected(first, a, leaver.signal);
    leaver.abort();
    expect(await next).toBeUndefined();
    await clock.advance(100);
    expect(carried(now(credential.acquire()))).toBe('t2');
  });
});

import { describe, expect, it } from 'vitest';
import { carried, failure, hour, now, unavailable } from '../token/setting.ts';
import { lasting, quiet, simulateDesk } from './token-setting.ts';

const origin = 'https://api.example';

describe('a worker’s errors', () => {
  it('are the parent’s: code, message, when to try again', async () => {
    const { clock, credential, worker } = simulateDesk(() => ({ failure: unavailable }));
    const { source } = worker();
    const own = await failure(() => credential.acquire(), 'token-unavailable');
    await clock.advance(1);
    const error = await failure(() => source.acquire(), 'token-unavailable');
    expect(error.message).toBe(own.message);
    expect(error.retryAfterMs).toBeCloseTo((own.retryAfterMs as number) - 1);
    expect(error.cause).toBeUndefined();
  });

  it('that are none of ours say nothing', async () => {
    const { credential, worker } = simulateDesk();
    credential.acquire = () => {
      throw new Error('client-secret');
    };
    const error = await failure(() => worker().source.acquire(), 'internal');
    expect(error.message).not.toContain('client-secret');
  });

  it('cost ten questions a second, and end as soon as the parent forgets the failure', async () => {
    let failing = true;
    const { clock, credential, worker } = simulateDesk(() =>
      failing ? { failure: { ...unavailable, retryAfterMs: 60_000 } } : { value: 't1', lifetimeMs: hour },
    );
    const { source, wire } = worker();
    for (let i = 0; i < 500; i++) {
      await failure(() => source.acquire(), 'token-unavailable');
      await clock.advance(2);
    }
    expect(wire.count('token-ask')).toBeLessThanOrEqual(10);
    await failure(() => source.acquire(), 'token-unavailable');
    failing = false;
    credential.reset();
    await quiet();
    const token = source.acquire();
    await clock.advance(1_000);
    expect(carried(await token)).toBe('t1');
  });

  it('do not cut short the wait of those who came later than the first', async () => {
    const { clock, grant, worker } = simulateDesk(lasting(hour, 14_000));
    grant.timeoutMs = 30_000;
    const { source } = worker();
    const first = failure(() => source.acquire(), 'token-timeout');
    await clock.advance(5_000);
    const second = source.acquire();
    await clock.advance(5_000);
    await first;
    await clock.advance(4_000);
    expect(carried(await second)).toBe('t1');
    expect(grant.calls.length).toBe(1);
  });

  it('end a wait whose caller has gone, and no other', async () => {
    const { clock, worker } = simulateDesk(lasting(hour, 50));
    const { source } = worker();
    const leaving = new AbortController();
    const gone = source.acquire(leaving.signal);
    const other = source.acquire();
    leaving.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    await clock.advance(50);
    expect(carried(await other)).toBe('t1');
  });

  it('say that we stop, once the channel is closed; what is fresh is served on', async () => {
    const { clock, worker } = simulateDesk(lasting(hour, 50));
    const cold = worker();
    const wait = failure(() => cold.source.acquire(), 'shutting-down');
    await quiet();
    cold.wire.cut();
    cold.client.close();
    await wait;
    await failure(() => cold.source.acquire(), 'shutting-down');
    const warm = worker();
    const got = warm.source.acquire();
    await clock.advance(50);
    const { hardAt, refreshAt, lifetimeMs } = await got;
    warm.wire.cut();
    warm.client.close();
    for (const age of [refreshAt, hardAt, lifetimeMs - 1_001]) {
      clock.step(age - (clock.mono() - now(warm.source.acquire()).t0Mono));
      expect(carried(now(warm.source.acquire()))).toBe('t1');
    }
    expect(await warm.source.rejected(now(warm.source.acquire()), origin)).toBeUndefined();
    clock.step(1);
    await failure(() => warm.source.acquire(), 'shutting-down');
  });
});

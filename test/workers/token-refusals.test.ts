import { describe, expect, it } from 'vitest';
import { carried, failure, hour, now, unavailable } from '../token/setting.ts';
import { lasting, quiet, simulateDesk } from './token-setting.ts';

const origin = 'https://api.example';

describe('refusals in a worker', () => {
  it('are one question for all who met the same, and one token call for all workers', async () => {
    const { clock, grant, log, worker } = simulateDesk(lasting(hour, 50));
    const workers = [worker(), worker()];
    const got = workers.map(({ source }) => source.acquire());
    await clock.advance(50);
    const tokens = await Promise.all(got);
    await clock.advance(5_000);
    const waits = workers.flatMap(({ source }, i) =>
      Array.from({ length: 100 }, () => source.rejected(tokens[i]!, origin)),
    );
    await clock.advance(50);
    expect(new Set((await Promise.all(waits)).map(carried))).toEqual(new Set(['t2']));
    expect(grant.calls.length).toBe(2);
    for (const { wire } of workers) expect(wire.count('token-refused')).toBe(1);
    expect(log.refusals).toEqual(['forced', 'joined']);
    for (const [i, { source, wire }] of workers.entries()) {
      expect(carried(await source.rejected(tokens[i]!, origin))).toBe('t2');
      expect(carried(now(source.acquire()))).toBe('t2');
      expect(wire.count('token-refused')).toBe(1);
    }
  });

  it('stop the token in every worker, until an origin takes it', async () => {
    const { clock, worker } = simulateDesk((n) =>
      n === 1 ? { value: 't1', lifetimeMs: hour } : { failure: unavailable, latencyMs: 500 },
    );
    const [one, other] = [worker(), worker()] as const;
    const token = await one.source.acquire();
    await other.source.acquire();
    await clock.advance(5_000);
    const refused = one.source.rejected(token, origin);
    await quiet();
    expect(other.source.acquire()).toBeInstanceOf(Promise);
    other.source.accepted(token, 'https://other.example');
    await quiet();
    expect(carried(now(one.source.acquire()))).toBe('t1');
    expect(carried(now(other.source.acquire()))).toBe('t1');
    await clock.advance(500);
    expect(await refused).toBeUndefined();
  });

  it('of an origin that took the token before do not outlast its taking it again in another worker', async () => {
    const { clock, worker } = simulateDesk((n) =>
      n === 1 ? { value: 't1', lifetimeMs: hour } : { failure: unavailable },
    );
    const [one, other] = [worker(), worker()] as const;
    const token = await one.source.acquire();
    await other.source.acquire();
    other.source.accepted(token, origin);
    await quiet();
    await clock.advance(5_000);
    expect(await one.source.rejected(token, origin)).toBeUndefined();
    await failure(() => other.source.acquire(), 'token-unavailable');
    other.source.accepted(token, origin);
    await quiet();
    expect(carried(now(one.source.acquire()))).toBe('t1');
  });

  it('of which nothing comes are not reported again within 250 ms', async () => {
    const { clock, worker } = simulateDesk();
    const { source, wire } = worker();
    const token = await source.acquire();
    for (let i = 0; i < 100; i++) {
      expect(await source.rejected(token, origin)).toBeUndefined();
      await clock.advance(10);
    }
    expect(wire.count('token-refused')).toBe(4);
  });

  it('of the refused value again are no better token', async () => {
    const { clock, worker } = simulateDesk(() => ({ value: 't1', lifetimeMs: hour }));
    const { source } = worker();
    const token = await source.acquire();
    await clock.advance(5_000);
    expect(await source.rejected(token, origin)).toBeUndefined();
  });

  it('reset the guard: an origin that takes the token is told once, and again once it was in use for long', async () => {
    const { clock, credential, worker } = simulateDesk();
    const { source, wire } = worker();
    const told: string[] = [];
    credential.accepted = (token, from) => told.push(`${token.gen} ${token.hash.slice(0, 4)} ${from}`);
    const token = await source.acquire();
    now(source.acquire());
    for (let i = 0; i < 100; i++) source.accepted(token, origin);
    source.accepted(token, 'https://other.example');
    await quiet();
    expect(told).toEqual([
      `1 ${token.hash.slice(0, 4)} ${origin}`,
      `1 ${token.hash.slice(0, 4)} https://other.example`,
    ]);
    await clock.advance(2_000);
    now(source.acquire());
    source.accepted(token, origin);
    await quiet();
    expect(wire.count('token-taken')).toBe(3);
  });
});

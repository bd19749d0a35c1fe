import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { carried, failure, hour, now, unavailable } from '../token/setting.ts';
import { lasting, quiet, simulateDesk } from './token-setting.ts';

describe('a worker’s tokens', () => {
  it('cost one question and one token call for 1,000 callers, and none afterwards', async () => {
    const { clock, grant, worker } = simulateDesk(lasting(hour, 50));
    const { source, wire } = worker();
    const waits = Array.from({ length: 1_000 }, () => source.acquire());
    await clock.advance(50);
    expect(new Set((await Promise.all(waits)).map(carried))).toEqual(new Set(['t1']));
    for (let i = 0; i < 1_000; i++) now(source.acquire());
    await quiet();
    expect(grant.calls.length).toBe(1);
    expect(wire.count('token-ask')).toBe(1);
  });

  it('are fetched once for four workers that all start cold', async () => {
    const { clock, grant, worker } = simulateDesk(lasting(hour, 50));
    const workers = Array.from({ length: 4 }, worker);
    const waits = workers.flatMap(({ source }) => Array.from({ length: 250 }, () => source.acquire()));
    await clock.advance(50);
    expect(new Set((await Promise.all(waits)).map(carried))).toEqual(new Set(['t1']));
    expect(grant.calls.length).toBe(1);
  });

  it('are those the parent has: value, fields, generation, and age on both clocks', async () => {
    const { clock, credential, worker } = simulateDesk();
    const own = await credential.acquire();
    clock.step(1_000);
    clock.suspend(5_000);
    const { source, noted } = worker();
    const token = await source.acquire();
    expect(token).toMatchObject({ gen: 1, hash: own.hash, fields: own.fields, t0Wall: own.t0Wall });
    expect(token).toMatchObject({ lifetimeMs: hour, refreshAt: own.refreshAt, hardAt: own.hardAt });
    expect(clock.mono() - token.t0Mono).toBe(6_000);
    expect(token.reveal()).toBe('t1');
    expect(noted).toEqual(['t1']);
  });

  it('are noted before anybody gets them', async () => {
    const { clock, worker } = simulateDesk(lasting(90_000));
    const { source, noted } = worker();
    for (let i = 0; i < 50; i++) {
      const token = await source.acquire();
      expect(noted).toContain(token.reveal());
      await clock.advance(5_000);
      await quiet();
    }
    expect(new Set(noted).size).toBeGreaterThan(2);
  });

  it('are renewed in the background: SOFT is served at once, asked for once a second', async () => {
    let failing = false;
    const { clock, worker } = simulateDesk((n) =>
      failing ? { failure: unavailable } : { value: `t${n}`, lifetimeMs: hour },
    );
    const { source, wire } = worker();
    const { refreshAt } = await source.acquire();
    failing = true;
    await clock.advance(refreshAt);
    for (let i = 0; i < 100; i++) {
      expect(carried(now(source.acquire()))).toBe('t1');
      await clock.advance(100);
    }
    expect(wire.count('token-ask')).toBeLessThanOrEqual(1 + 10);
    failing = false;
    for (let i = 0; carried(now(source.acquire())) === 't1'; i++) {
      expect(i).toBeLessThan(60);
      await clock.advance(1_000);
      await quiet();
    }
  });

  it('of 2 s are never waited for at full load but for the first', async () => {
    const { clock, grant, worker } = simulateDesk(lasting(2_000, 50));
    const workers = Array.from({ length: 4 }, worker);
    const first = workers.map(({ source }) => source.acquire());
    await clock.advance(50);
    await Promise.all(first);
    for (let i = 0; i < 20_000 / 5; i++) {
      for (const { source } of workers) now(source.acquire());
      await clock.advance(5);
    }
    expect(grant.calls.length).toBeLessThanOrEqual(20_000 / 550 + 2);
  });

  it('are served although HARD while the parent’s back-off says so, and asked for four times a second', async () => {
    let failing = false;
    const { clock, credential, worker } = simulateDesk((n) =>
      failing ? { failure: unavailable } : { value: `t${n}`, lifetimeMs: hour },
    );
    const { source, wire } = worker();
    const { hardAt } = await source.acquire();
    failing = true;
    await clock.advance(hardAt);
    expect(carried(await source.acquire())).toBe('t1');
    expect(credential.view()).toMatchObject({ region: 'HARD', refresh: 'BACKOFF' });
    const asked = wire.count('token-ask');
    for (let i = 0; i < 40; i++) {
      expect(carried(await source.acquire())).toBe('t1');
      await clock.advance(10);
    }
    expect(wire.count('token-ask') - asked).toBeLessThanOrEqual(2);
  });

  it('are not served once expired, though the parent is silent', async () => {
    const { clock, worker } = simulateDesk();
    const { source, wire } = worker();
    const { hardAt, lifetimeMs } = await source.acquire();
    wire.toParent.hold();
    clock.step(hardAt);
    const hard = source.acquire();
    expect(hard).toBeInstanceOf(Promise);
    await clock.advance(20_000);
    expect(carried(await hard)).toBe('t1');
    clock.step(lifetimeMs - hardAt - 20_000 - 1_000);
    const wait = failure(() => source.acquire(), 'token-timeout');
    await clock.advance(11_000);
    await wait;
    await clock.advance(20_000);
    wire.toParent.hold(false);
    await quiet();
    expect(carried(await source.acquire())).toBe('t2');
  });

  it('that came too late go to those who waited for them, and to nobody else', async () => {
    const { clock, grant, worker } = simulateDesk(lasting(0, 20));
    const { source } = worker();
    const first = [source.acquire(), source.acquire()];
    await clock.advance(20);
    expect((await Promise.all(first)).map(carried)).toEqual(['t1', 't1']);
    const second = source.acquire();
    expect(second).toBeInstanceOf(Promise);
    await clock.advance(1_020);
    expect(carried(await second)).toBe('t2');
    expect(grant.calls.length).toBe(2);
  });

  it('that expired on their way are asked for again', async () => {
    const { clock, worker } = simulateDesk(lasting(4_000));
    const { source, wire } = worker();
    wire.toWorker.hold();
    const wait = source.acquire();
    await quiet();
    clock.step(4_000);
    wire.toWorker.hold(false);
    await quiet();
    expect(carried(await wait)).toBe('t2');
  });

  it('are told to be in use every other second, and renewed ahead of their end therefore', async () => {
    const { clock, credential, grant, worker } = simulateDesk();
    const { source, wire } = worker();
    const { refreshAt } = await source.acquire();
    for (let i = 0; i < 100; i++) {
      now(source.acquire());
      await clock.advance(100);
    }
    expect(wire.count('token-used')).toBe(5);
    clock.step(refreshAt - 300_000);
    now(source.acquire());
    await quiet();
    await clock.advance(300_000);
    credential.tick();
    await quiet();
    expect(grant.calls.length).toBe(2);
    expect(carried(now(source.acquire()))).toBe('t2');
  });
});

describe('a worker’s secrets', () => {
  it('are in nothing that is printed', async () => {
    const { clock, desk, worker } = simulateDesk(() => ({ value: 'SECRET-TOKEN', lifetimeMs: hour }));
    const { client, source } = worker();
    const token = await source.acquire();
    await clock.advance(1);
    const all = [client, source, token, desk];
    expect(inspect(all, { depth: 10, showHidden: true })).not.toContain('SECRET-TOKEN');
    expect(JSON.stringify(all)).not.toContain('SECRET-TOKEN');
  });
});

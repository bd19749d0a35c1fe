import { describe, expect, it } from 'vitest';
import type { Revocation } from '../../src/token/revocation.ts';
import type { TokenOwner } from '../../src/token/token.ts';
import { createTokenDesk } from '../../src/workers/token-desk.ts';
import { answer, hourly } from '../support/token-endpoint.ts';
import { carried, failure, hour, now, simulate, unavailable, until } from '../token/setting.ts';
import { openDesk, quiet, simulateDesk } from './token-setting.ts';
import { Wire } from './wire.ts';

const origin = 'https://api.example';
const slow = (n: number) => ({ value: `t${n}`, lifetimeMs: hour, latencyMs: 50 });
const revoked: Revocation = { revoked: 1, deleted: false, failure: undefined, unsupported: false };

describe('between a worker and its parent', () => {
  it('a new token arrives between question and answer: it is served at once, and stays', async () => {
    const { clock, worker } = simulateDesk(slow);
    const { source, wire } = worker();
    const wait = source.acquire();
    wire.toWorker.hold();
    await clock.advance(50);
    expect(wire.toWorker.sent.map(({ kind }) => kind)).toEqual(['token-current', 'token-answer']);
    wire.toWorker.deliver(1);
    const pushed = now(source.acquire());
    expect(carried(pushed)).toBe('t1');
    wire.toWorker.deliver();
    expect(await wait).toBe(pushed);
    expect(now(source.acquire())).toBe(pushed);
  });

  it('a revocation arrives right behind an answer: the answered token is not served to others', async () => {
    const { clock, credential, worker } = simulateDesk(slow);
    const { source, wire } = worker();
    const wait = source.acquire();
    wire.toWorker.hold();
    await clock.advance(50);
    await credential.revoke(async () => revoked);
    wire.toWorker.deliver();
    expect(source.acquire()).toBeInstanceOf(Promise);
    expect(carried(await wait)).toBe('t1');
    expect(source.acquire()).toBeInstanceOf(Promise);
    wire.toWorker.hold(false);
    const next = source.acquire();
    await clock.advance(1_050);
    expect(carried(await next)).toBe('t2');
  });

  it('a token is revoked between its arrival in the parent and the answer: the next one is the answer', async () => {
    const { clock, credential, grant, worker } = simulateDesk(slow);
    const { source, wire } = worker();
    const acquire = credential.acquire.bind(credential);
    credential.acquire = (signal) => {
      credential.acquire = acquire;
      return Promise.resolve(acquire(signal)).then((token) => {
        void credential.revoke(async () => revoked);
        return token;
      });
    };
    const wait = source.acquire();
    await clock.advance(50);
    expect(wire.count('token-answer')).toBe(0);
    await clock.advance(1_050);
    expect(carried(await wait)).toBe('t2');
    expect(carried(now(source.acquire()))).toBe('t2');
    expect(grant.calls.length).toBe(2);
  });

  it('an answer is never older than what was pushed before it', async () => {
    const { clock, credential } = simulate();
    const t1 = await credential.acquire();
    await clock.advance(5_000);
    await credential.rejected(t1, origin);
    const t2 = now(credential.acquire());
    const { promise, resolve } = Promise.withResolvers<typeof t1>();
    const late: TokenOwner = {
      acquire: () => (late.serving === undefined ? promise : t2),
      rejected: () => promise,
      accepted() {},
      used() {},
      serving: undefined,
    };
    const desk = createTokenDesk({ at: () => ({ get: () => late, find: () => late }) }, clock);
    const wire = new Wire();
    desk.serve(wire.parent);
    wire.worker.send({ kind: 'token-ask', id: 1, epoch: 0, credential: 'acme' });
    wire.worker.send({
      kind: 'token-refused',
      id: 2,
      epoch: 0,
      credential: 'acme',
      gen: 0,
      hash: '0',
      origin,
    });
    await quiet();
    Object.assign(late, { serving: t2 });
    desk.changed({ credential: 'acme' }, t2, late);
    resolve(t1);
    await quiet();
    const value = (i: number) => (wire.toWorker.sent[i] as { token?: { value: string } }).token?.value;
    expect([value(0), value(1), value(2)]).toEqual(['t2', 't2', 't2']);
  });

  it('a token is revoked while a worker asks: the question waits for the revocation, and brings the next', async () => {
    const { clock, credential, grant, worker } = simulateDesk(slow);
    const { source } = worker();
    await clock.advance(1);
    const first = source.acquire();
    await clock.advance(50);
    await first;
    await clock.advance(1_000);
    const { promise, resolve } = Promise.withResolvers<Revocation>();
    void credential.revoke(() => promise);
    await quiet();
    const wait = source.acquire();
    await clock.advance(500);
    expect(grant.calls.length).toBe(1);
    resolve(revoked);
    await clock.advance(50);
    expect(carried(await wait)).toBe('t2');
  });

  it('a token is dropped and taken back: no worker serves it meanwhile, all do afterwards', async () => {
    const { clock, credential, worker } = simulateDesk(slow);
    const workers = [worker(), worker()];
    const got = workers.map(({ source }) => source.acquire());
    await clock.advance(50);
    await Promise.all(got);
    const { promise, resolve } = Promise.withResolvers<Revocation>();
    void credential.revoke(() => promise);
    await quiet();
    const waits = workers.map(({ source }) => source.acquire());
    for (const wait of waits) expect(wait).toBeInstanceOf(Promise);
    await quiet();
    resolve({ ...revoked, failure: unavailable });
    await quiet();
    for (const { source } of workers) expect(carried(now(source.acquire()))).toBe('t1');
    await clock.advance(1_050);
    for (const wait of waits) expect(carried(await wait)).toBe('t2');
  });

  it('a worker that starts later costs no token call', async () => {
    const { clock, grant, worker } = simulateDesk();
    await worker().source.acquire();
    await clock.advance(60_000);
    const later = worker();
    expect(carried(await later.source.acquire())).toBe('t1');
    expect(carried(now(later.source.acquire()))).toBe('t1');
    expect(grant.calls.length).toBe(1);
  });

  it('a worker that goes takes its questions along; the token request goes on', async () => {
    const { clock, grant, worker } = simulateDesk(slow);
    const [gone, stays] = [worker(), worker()] as const;
    const wait = failure(() => gone.source.acquire(), 'shutting-down');
    await quiet();
    const other = stays.source.acquire();
    await quiet();
    gone.leave();
    gone.client.close();
    await wait;
    await clock.advance(50);
    expect(carried(await other)).toBe('t1');
    expect(gone.wire.toWorker.sent).toEqual([]);
    expect(grant.calls.length).toBe(1);
    expect(stays.wire.count('token-current')).toBe(1);
  });

  it('a renewal is told to the workers that have asked for the credential, and to no other', async () => {
    const { clock, credential, worker } = simulateDesk();
    const [one, other] = [worker(), worker()] as const;
    const { refreshAt } = await one.source.acquire();
    await clock.advance(refreshAt);
    now(credential.acquire());
    await quiet();
    expect(carried(now(one.source.acquire()))).toBe('t2');
    expect(one.wire.count('token-ask')).toBe(1);
    expect(other.wire.toWorker.sent).toEqual([]);
  });

  it('while draining what there is is served on, and only what is missing is fetched', async () => {
    const { clock, credential, grant, worker } = simulateDesk();
    const { source } = worker();
    const token = await source.acquire();
    credential.drain();
    await clock.advance(token.hardAt + 1_000);
    expect(carried(await source.acquire())).toBe('t1');
    expect(await source.rejected(token, origin)).toBeUndefined();
    expect(grant.calls.length).toBe(1);
    await clock.advance(token.lifetimeMs);
    expect(carried(await source.acquire())).toBe('t2');
  });

  it('a refusal and a renewal cross: the newer token is the answer, and nothing is forced', async () => {
    const { clock, credential, grant, log, worker } = simulateDesk();
    const { source, wire } = worker();
    const token = await source.acquire();
    await clock.advance(token.refreshAt);
    wire.toWorker.hold();
    now(credential.acquire());
    await quiet();
    const next = source.rejected(token, origin);
    await quiet();
    wire.toWorker.hold(false);
    expect(carried(await next)).toBe('t2');
    expect(grant.calls.length).toBe(2);
    expect(log.refusals).toEqual([]);
  });

  it('a login puts another token in the place of the present one in every worker', async () => {
    const { clock, credential, worker } = simulateDesk();
    const workers = [worker(), worker()];
    for (const { source } of workers) await source.acquire();
    await clock.advance(2_000);
    credential.restart();
    await quiet();
    for (const { source } of workers) expect(carried(now(source.acquire()))).toBe('t2');
  });

  it('a tenant the parent has forgotten is forgotten by the worker, and its generations count anew', async () => {
    const { clock, endpoint, registry, worker } = await openDesk(hourly, 1);
    const { client } = worker();
    const source = client.get('acme', 'a');
    const first = await source.acquire();
    await clock.advance(2_000);
    expect(carried(await source.rejected(first, origin))).toBe('t2');
    await registry.get('acme', 'b').acquire();
    await quiet();
    expect(registry.view().map(({ tenant }) => tenant)).toEqual(['b']);
    const again = await source.acquire();
    expect(again).toMatchObject({ gen: 1 });
    expect(carried(again)).toBe('t4');
    expect(carried(now(source.acquire()))).toBe('t4');
    expect(carried(await source.rejected(first, origin))).toBe('t4');
    await clock.advance(2_000);
    expect(carried(await source.rejected(again, origin))).toBe('t5');
    expect(endpoint.calls.length).toBe(5);
  });

  it('an exchange that holds a tenant’s source longer than the worker does still gets tokens', async () => {
    const { endpoint, worker } = await openDesk(
      (n, { form }) => ({ json: answer(`t${n}-${form.get('location')}`, 3600) }),
      1,
    );
    const { client, wire } = worker();
    const held = client.get('acme', 'a');
    expect(carried(await held.acquire())).toBe('t1-a');
    expect(carried(await client.get('acme', 'b').acquire())).toBe('t2-b');
    expect(carried(await held.acquire())).toBe('t3-a');
    await quiet();
    await until(() => endpoint.calls.length === 3);
    await quiet();
    expect(wire.count('token-forgotten')).toBeGreaterThanOrEqual(1);
  });
});

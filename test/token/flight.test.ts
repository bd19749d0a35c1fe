import { describe, expect, it } from 'vitest';
import { answer, hourly } from '../support/token-endpoint.ts';
import {
  carried,
  credentialConfig,
  failure,
  hour,
  now,
  openRoom,
  simulate,
  unavailable,
  until,
} from './setting.ts';

describe('one flight at a time', () => {
  it('R11 makes one token request for 1,000 callers who come at once', async () => {
    const { endpoint, registry, log } = await openRoom();
    const acme = registry.get('acme');
    const tokens = await Promise.all(Array.from({ length: 1_000 }, () => acme.acquire()));
    expect(new Set(tokens.map(carried))).toEqual(new Set(['t1']));
    expect(endpoint.calls.length).toBe(1);
    expect(log.fetches[0]).toMatchObject({ waiters: 1_000, reason: 'cold', gen: 1 });
  });

  it('R12 fails all waiters together and asks no more until the back-off ends', async () => {
    const { clock, endpoint, registry } = await openRoom(() => ({ status: 500, json: {} }));
    const acme = registry.get('acme');
    const results = await Promise.allSettled(Array.from({ length: 500 }, () => acme.acquire()));
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
    expect(endpoint.calls.length).toBe(1);
    const error = await failure(() => acme.acquire(), 'token-unavailable');
    expect(error.retryAfterMs).toBeGreaterThan(0);
    clock.step((error.retryAfterMs as number) - 1);
    await failure(() => acme.acquire(), 'token-unavailable');
    expect(endpoint.calls.length).toBe(1);
    await clock.advance(1_001);
    await Promise.allSettled(Array.from({ length: 500 }, async () => acme.acquire()));
    expect(endpoint.calls.length).toBe(2);
  });

  it.each([502, 503, 504])('R12 repeats a request that got %i once, within the flight', async (status) => {
    const { clock, endpoint, registry } = await openRoom((n) =>
      n === 1 ? { status, json: {} } : hourly(n, never),
    );
    const token = registry.get('acme').acquire();
    await until(() => endpoint.calls.length === 1 && clock.pending > 3);
    await clock.advance(500);
    expect(carried(await token)).toBe('t2');
    expect(endpoint.calls.length).toBe(2);
  });

  it('R13 lets the flight go on when the caller who started it leaves', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { endpoint, registry } = await openRoom(async (n) => {
      await held;
      return { json: answer(`t${n}`, 3600) };
    });
    const acme = registry.get('acme');
    const leaver = new AbortController();
    const a = acme.acquire(leaver.signal);
    const b = acme.acquire(new AbortController().signal);
    await until(() => endpoint.calls.length === 1);
    leaver.abort(new Error('gone'));
    await expect(a).rejects.toThrow('gone');
    release();
    expect(carried(await b)).toBe('t1');
    expect(carried(now(acme.acquire(leaver.signal)))).toBe('t1');
    expect(endpoint.calls.length).toBe(1);
  });

  it('R13 fills the cache though every caller has left', async () => {
    const { clock, credential, grant } = simulate((n) => ({
      value: `t${n}`,
      lifetimeMs: hour,
      latencyMs: 100,
    }));
    const leaver = new AbortController();
    const a = credential.acquire(leaver.signal);
    await clock.advance(10);
    leaver.abort();
    await expect(a).rejects.toMatchObject({ name: 'AbortError' });
    await clock.advance(100);
    expect(carried(now(credential.acquire()))).toBe('t1');
    expect(grant.calls.length).toBe(1);
  });

  it('R14 ends every wait and every flight, and starts anew, when the provider never answers', async () => {
    const { clock, endpoint, registry, log } = await openRoom((n) =>
      n === 1 ? { silent: true } : hourly(n, never),
    );
    const acme = registry.get('acme');
    const early = failure(() => acme.acquire(), 'token-timeout');
    await until(() => endpoint.calls.length === 1);
    await clock.advance(9_000);
    const late = failure(() => acme.acquire(), 'token-timeout');
    await clock.advance(1_000);
    await Promise.all([early, late]);
    expect(log.failures[0]).toMatchObject({ waiters: 1, failure: { kind: 'timeout' } });
    const { retryAfterMs } = await failure(() => acme.acquire(), 'token-unavailable');
    clock.step(retryAfterMs as number);
    expect(carried(await acme.acquire())).toBe('t2');
  });

  it('R14 ignores what an ended flight brings, also while the next one runs', async () => {
    const { clock, credential, grant } = simulate((n) => ({
      value: `t${n}`,
      lifetimeMs: hour,
      latencyMs: n === 1 ? Infinity : 5_000,
    }));
    const first = failure(() => credential.acquire(), 'token-timeout');
    await clock.advance(10_000);
    await first;
    await clock.advance(2_000);
    const second = credential.acquire();
    await clock.advance(1);
    expect(grant.running).toBe(1);
    expect(credential.view()).toMatchObject({ refresh: 'IN_FLIGHT', gen: 0 });
    await clock.advance(5_000);
    expect(carried(await second)).toBe('t2');
    expect(grant.mostRunning).toBe(1);
  });

  it('R15 keeps tokens apart that differ in scope, in client or in tenant', async () => {
    const tenanted = credentialConfig({
      tenant: { header: 'X-Location-Id', max: 10 },
      params: { location: '{tenant}' },
    });
    const { endpoint, registry } = await openRoom(
      (_, { form, headers }) => ({
        json: answer(`${form.get('scope')}-${form.get('location')}-${headers.authorization?.length}`, 3600),
      }),
      {
        credentials: {
          reader: credentialConfig({ scope: 'read' }),
          writer: credentialConfig({ scope: 'write' }),
          other: credentialConfig({ scope: 'read', client_id: 'longer-id' }),
          tenanted,
        },
      },
    );
    const sources = [
      registry.get('reader'),
      registry.get('writer'),
      registry.get('other'),
      registry.get('tenanted', 'a'),
      registry.get('tenanted', 'b'),
    ];
    const values = await Promise.all(sources.map(async (source) => carried(await source.acquire())));
    expect(new Set(values).size).toBe(5);
    expect(endpoint.calls.map(({ form }) => form.get('location')).sort()).toEqual(
      [null, null, null, 'a', 'b'].sort(),
    );
    expect(carried(now(registry.get('tenanted', 'a').acquire()))).toBe(values[3]);
  });

  it('R16 has a failed background renewal handled, told once, and a back-off armed', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    let failing = false;
    const { clock, credential, grant, log } = simulate((n) =>
      failing ? { failure: unavailable } : { value: `t${n}`, lifetimeMs: hour },
    );
    const { refreshAt } = await credential.acquire();
    failing = true;
    await clock.advance(refreshAt + 1);
    for (let i = 0; i < 100; i++) now(credential.acquire());
    await clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
    expect(log.failures).toMatchObject([{ reason: 'soft', waiters: 0 }]);
    expect(grant.calls.length).toBe(2);
    expect(credential.view()).toMatchObject({ region: 'SOFT', refresh: 'BACKOFF', lastFailure: unavailable });
  });
});

const never = { method: '', url: '', headers: {}, body: '', form: new URLSearchParams() };

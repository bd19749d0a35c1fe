import { describe, expect, it } from 'vitest';
import { settled } from '../support/manual-clock.ts';
import { answer } from '../support/token-endpoint.ts';
import { carried, hour, openRoom, simulate, unavailable } from './setting.ts';

/** What became of a promise. */
function followed(promise: Promise<void>) {
  const seen = { state: 'waiting', message: '' };
  promise.then(
    () => {
      seen.state = 'done';
    },
    (error: Error) => {
      seen.state = 'failed';
      seen.message = error.message;
    },
  );
  return seen;
}

describe('a renewal that an operator asks for', () => {
  it('brings another token; the present one is served until it is there', async () => {
    const { clock, credential, grant, acquireNow, log } = simulate((n) => ({
      value: `t${n}`,
      lifetimeMs: hour,
      latencyMs: n === 1 ? 0 : 500,
    }));
    await credential.acquire();
    await clock.advance(2_000);
    const renewal = followed(credential.renew());
    await clock.advance(400);
    expect([renewal.state, carried(acquireNow())]).toEqual(['waiting', 't1']);
    await clock.advance(200);
    expect([renewal.state, carried(acquireNow()), grant.calls.length]).toEqual(['done', 't2', 2]);
    expect(log.fetches.map(({ reason }) => reason)).toEqual(['cold', 'manual']);
  });

  it('joins the request under way', async () => {
    const { clock, credential, grant } = simulate((n) => ({
      value: `t${n}`,
      lifetimeMs: hour,
      latencyMs: 100,
    }));
    const first = credential.acquire();
    const renewals = [followed(credential.renew()), followed(credential.renew())];
    await clock.advance(200);
    await first;
    expect(renewals.map(({ state }) => state)).toEqual(['done', 'done']);
    expect(grant.calls).toHaveLength(1);
  });

  it('rejects with what went wrong; the present token stays', async () => {
    const { clock, credential, acquireNow } = simulate((n) =>
      n === 1 ? { value: 't1', lifetimeMs: hour } : { failure: unavailable },
    );
    await credential.acquire();
    await clock.advance(2_000);
    const renewal = followed(credential.renew());
    await clock.advance(10);
    expect(renewal).toEqual({
      state: 'failed',
      message: expect.stringContaining('the token endpoint failed'),
    });
    expect(carried(acquireNow())).toBe('t1');
  });

  it('does not wait for the end of a back-off, but asks at most once a second', async () => {
    const { clock, credential, grant } = simulate(() => ({
      failure: { kind: 'invalid_client', error: 'invalid_client', status: 401, detail: 'no' },
    }));
    await expect(Promise.resolve(credential.acquire())).rejects.toThrow();
    expect(credential.view().refresh).toBe('BLOCKED');
    const before = grant.calls.length;
    const start = clock.mono();
    for (let i = 0; i < 50; i++) {
      followed(credential.renew());
      await clock.advance(100);
    }
    const calls = grant.calls.slice(before);
    expect(calls.length).toBeGreaterThanOrEqual(4);
    for (const [i, at] of calls.entries()) {
      expect(at - (i === 0 ? start : (calls[i - 1] as number))).toBeGreaterThanOrEqual(i === 0 ? 0 : 1_000);
    }
  });

  it('is refused while shutting down, unless one is under way', async () => {
    const { clock, credential, grant } = simulate((n) => ({
      value: `t${n}`,
      lifetimeMs: hour,
      latencyMs: 100,
    }));
    const first = credential.acquire();
    credential.drain();
    const joined = followed(credential.renew());
    await clock.advance(200);
    await first;
    const refused = followed(credential.renew());
    await settled();
    expect([joined.state, refused.state]).toEqual(['done', 'failed']);
    expect(refused.message).toContain('shutting down');
    expect(grant.calls).toHaveLength(1);
  });

  it('goes by the name of a credential and throws for tenants as a request does', async () => {
    const { clock, endpoint, registry } = await openRoom((n) => ({ json: answer(`t${n}`, 3600) }));
    await registry.get('acme').acquire();
    const renewal = registry.renew('acme');
    await clock.advance(1_000);
    await renewal;
    expect(endpoint.calls).toHaveLength(2);
    expect(registry.view()[0]).toMatchObject({ gen: 2, lifetimeMs: hour });
    await expect(registry.renew('nobody')).rejects.toMatchObject({ code: 'internal' });
  });

  it('is told when the next one is due', async () => {
    const { clock, credential } = simulate();
    expect(credential.view().renewInMs).toBeUndefined();
    await credential.acquire();
    const { renewInMs = 0, lifetimeMs } = credential.view();
    expect(lifetimeMs).toBe(hour);
    await clock.advance(renewInMs - 1);
    expect(credential.view().region).toBe('FRESH');
    expect(credential.view().renewInMs).toBeCloseTo(1);
    await clock.advance(2);
    expect(credential.view().region).toBe('SOFT');
    expect(credential.view().renewInMs).toBeUndefined();
  });
});

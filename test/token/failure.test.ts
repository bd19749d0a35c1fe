import { describe, expect, it } from 'vitest';
import type { Failure } from '../../src/token/failure.ts';
import { answer, hourly } from '../support/token-endpoint.ts';
import {
  carried,
  credentialConfig,
  failure,
  hour,
  now,
  openRoom,
  type Simulated,
  simulate,
  unavailable,
  until,
} from './setting.ts';

const network: Failure = { kind: 'transient', error: 'ECONNREFUSED', detail: 'no connection', unsent: true };
const client: Failure = { kind: 'invalid_client', error: 'invalid_client', status: 401, detail: 'refused' };
const limited: Failure = {
  kind: 'rate_limited',
  error: 'http_429',
  status: 429,
  detail: 'slow',
  retryAfterMs: 30_000,
};

describe('when the provider fails', () => {
  it.each([
    ['no connection', network],
    ['a 500', unavailable],
    ['a refused client', client],
    ['a 429', limited],
  ])('R17 serves the old token through %s', async (_, reason) => {
    let failing = false;
    const { clock, credential, grant } = simulate(
      (n): Simulated => (failing ? { failure: reason } : { value: `t${n}`, lifetimeMs: hour }),
    );
    const { refreshAt, lifetimeMs } = await credential.acquire();
    await clock.advance(refreshAt);
    failing = true;
    for (let age = refreshAt; age < lifetimeMs - 1_100; age += 1_000) {
      expect(carried(await credential.acquire())).toBe('t1');
      await clock.advance(1_000);
    }
    expect(grant.calls.length).toBeGreaterThan(1);
  });

  it('R17 serves the last seconds of a token when its awaited renewal hangs', async () => {
    const { clock, credential } = simulate((n) => ({
      value: `t${n}`,
      lifetimeMs: 60_000,
      latencyMs: n === 1 ? 0 : Infinity,
    }));
    const { hardAt } = await credential.acquire();
    await clock.advance(hardAt + 100);
    const token = credential.acquire();
    expect(token).toBeInstanceOf(Promise);
    await clock.advance(1_500);
    expect(carried(await token)).toBe('t1');
  });

  it('R18 asks ever more rarely while the provider fails, the old token being served', async () => {
    let failing = false;
    const { clock, credential, grant } = simulate(
      (n): Simulated =>
        failing ? { failure: unavailable } : { value: `t${n}`, lifetimeMs: hour, renewAfterMs: 600_000 },
    );
    const { refreshAt } = await credential.acquire();
    failing = true;
    await clock.advance(refreshAt);
    for (let i = 0; i < 6_000; i++) {
      now(credential.acquire());
      await clock.advance(100);
    }
    const calls = grant.calls.slice(1);
    expect(calls.length).toBeLessThanOrEqual(20);
    expect(gapsFit(calls, 60_000)).toBe(true);
  });

  it('R18 asks at least every 45 s while callers have no token', async () => {
    const { clock, credential, grant } = simulate(() => ({ failure: unavailable }));
    for (let i = 0; i < 6_000; i++) {
      await failure(() => credential.acquire(), 'token-unavailable');
      await clock.advance(100);
    }
    expect(grant.calls.length).toBeLessThanOrEqual(40);
    expect(gapsFit(grant.calls, 30_000)).toBe(true);
  });

  it('R18 starts again with a short back-off after a success', async () => {
    let failing = true;
    const { clock, credential } = simulate(
      (n): Simulated => (failing ? { failure: unavailable } : { value: `t${n}`, lifetimeMs: hour }),
    );
    for (let i = 0; i < 600; i++) {
      await failure(() => credential.acquire(), 'token-unavailable');
      await clock.advance(500);
    }
    failing = false;
    await clock.advance(45_000);
    const { refreshAt } = await credential.acquire();
    expect(credential.view()).toMatchObject({ refresh: 'IDLE', retryInMs: 0, lastFailure: undefined });
    failing = true;
    await clock.advance(refreshAt);
    now(credential.acquire());
    await clock.advance(1);
    expect(credential.view().retryInMs).toBeLessThanOrEqual(1_500);
  });

  it('R19 never gives an expired token, but 503 and when to come back', async () => {
    let failing = false;
    const { clock, credential } = simulate(
      (n): Simulated => (failing ? { failure: unavailable } : { value: `t${n}`, lifetimeMs: hour }),
    );
    await credential.acquire();
    failing = true;
    await clock.advance(hour - 999);
    for (let i = 0; i < 3; i++) {
      const error = await failure(() => credential.acquire(), 'token-unavailable');
      expect(error.retryAfterMs).toBeGreaterThan(0);
      await clock.advance(500);
    }
  });

  it.each([
    ['an empty body', { raw: '' }],
    ['HTML', { raw: '<html>maintenance</html>', headers: { 'content-type': 'text/html' } }],
    ['broken JSON', { raw: '{"access_token":' }],
    ['no token', { json: { token_type: 'Bearer' } }],
    ['a token with a line break', { json: answer('a\r\nX-Evil: 1', 3600) }],
  ])('R20 asks again after a 200 with %s', async (_, reply) => {
    const { clock, endpoint, registry } = await openRoom((n) =>
      n === 1 ? reply : { json: answer('t', 3600) },
    );
    const acme = registry.get('acme');
    await failure(() => acme.acquire(), 'token-answer-invalid');
    const { retryAfterMs } = await failure(() => acme.acquire(), 'token-answer-invalid');
    expect(endpoint.calls.length).toBe(1);
    clock.step(Math.max(retryAfterMs as number, 1_000));
    expect(carried(await acme.acquire())).toBe('t');
  });

  it('R20 probes a refused client after 1, 2, 4, 8, 15 minutes and never gives up', async () => {
    let refusing = true;
    const { clock, credential, grant } = simulate(
      (n): Simulated => (refusing ? { failure: client } : { value: `t${n}`, lifetimeMs: hour }),
    );
    for (let i = 0; i < 3_600; i++) {
      await failure(() => credential.acquire(), 'token-refused');
      await clock.advance(1_000);
    }
    const minutes = grant.calls
      .slice(1)
      .map((at, i) => Math.round((at - (grant.calls[i] as number)) / 60_000));
    expect(minutes).toEqual([1, 2, 4, 8, 15, 15]);
    refusing = false;
    await clock.advance(900_000);
    expect(carried(await credential.acquire())).toMatch(/^t/);
  });

  it.each([
    [
      'invalid_client',
      401,
      'token-refused',
      /credential acme: .*invalid_client.*check client_id and client_secret/,
    ],
    ['unauthorized_client', 400, 'token-refused', /credential acme: .*unauthorized_client/],
    ['invalid_grant', 400, 'token-refused', /credential acme: .*invalid_grant/],
    ['server_error', 500, 'token-unavailable', /credential acme: .*500/],
  ])('R21 gives no token but a reason after %s', async (error, status, code, message) => {
    const { endpoint, registry } = await openRoom(() => ({ status, json: { error } }));
    const acme = registry.get('acme');
    for (let i = 0; i < 10; i++) expect((await failure(() => acme.acquire(), code)).message).toMatch(message);
    expect(endpoint.calls.length).toBe(1);
  });

  it('R22 serves the other credentials when the tenants of one are exhausted', async () => {
    const { endpoint, registry } = await openRoom(
      (n, call) => (call.form.has('location') ? { silent: true } : hourly(n, call)),
      {
        credentials: {
          acme: credentialConfig(),
          tenanted: credentialConfig({
            tenant: { header: 'X-Location-Id', max: 2 },
            params: { location: '{tenant}' },
          }),
        },
      },
    );
    const waits = ['a', 'b'].map((tenant) =>
      failure(() => registry.get('tenanted', tenant).acquire(), 'shutting-down'),
    );
    await until(() => endpoint.calls.length === 2);
    await failure(() => registry.get('tenanted', 'c'), 'tenants-exhausted');
    expect(carried(await registry.get('acme').acquire())).toBe('t3');
    await registry.close();
    await Promise.all(waits);
  });

  it.each([
    ['30', 30_000],
    ['date', 30_000],
    ['7200', 3_600_000],
  ])('R49 asks not before Retry-After %s is over, and at most a fifth later', async (value, ms) => {
    const { clock, endpoint, registry } = await openRoom((n, call) => {
      if (n > 1) return hourly(n, call);
      const date = new Date(clock.wall()).toUTCString();
      const at = new Date(clock.wall() + 30_000).toUTCString();
      return { status: 429, json: {}, headers: { date, 'retry-after': value === 'date' ? at : value } };
    });
    const acme = registry.get('acme');
    await failure(() => acme.acquire(), 'token-unavailable');
    clock.step(ms - 1);
    const { retryAfterMs } = await failure(() => acme.acquire(), 'token-unavailable');
    expect(retryAfterMs).toBeLessThanOrEqual(ms * 0.2 + 1);
    expect(endpoint.calls.length).toBe(1);
    clock.step(ms * 0.2 + 1);
    await acme.acquire();
    expect(endpoint.calls.length).toBe(2);
  });

  it('R49 repeats nothing within a flight when the provider says when to come back', async () => {
    const { endpoint, registry, clock } = await openRoom(() => ({
      status: 503,
      json: {},
      headers: { 'retry-after': '5' },
    }));
    await failure(() => registry.get('acme').acquire(), 'token-unavailable');
    await clock.advance(4_900);
    expect(endpoint.calls.length).toBe(1);
  });

  it('R50 serves a valid token however the provider fails, and asks at once when a secret has changed', async () => {
    let failing = false;
    const { clock, credential, grant } = simulate(
      (n): Simulated =>
        failing && grant.secret === 'one' ? { failure: client } : { value: `t${n}`, lifetimeMs: hour },
    );
    const { refreshAt } = await credential.acquire();
    failing = true;
    await clock.advance(refreshAt);
    for (let i = 0; i < 1_000; i++) expect(carried(now(credential.acquire()))).toBe('t1');
    await clock.advance(1_000);
    expect(credential.view()).toMatchObject({ refresh: 'BLOCKED', region: 'SOFT' });
    credential.resetIfSecretsChanged();
    expect(credential.blocked).toBe(true);
    grant.secret = 'two';
    credential.resetIfSecretsChanged();
    expect(carried(now(credential.acquire()))).toBe('t1');
    await clock.advance(1_000);
    expect(carried(now(credential.acquire()))).toBe('t3');
  });

  it('R50 drops the failure of a request that was sent before a reset', async () => {
    const { clock, credential } = simulate(
      (n): Simulated =>
        n === 1 ? { failure: client, latencyMs: 2_000 } : { value: `t${n}`, lifetimeMs: hour },
    );
    const first = failure(() => credential.acquire(), 'token-refused');
    await clock.advance(1_000);
    credential.reset();
    await clock.advance(1_000);
    await first;
    expect(carried(await credential.acquire())).toBe('t2');
  });
});

/** Whether each gap is within half and one and a half of 1 s, 2 s, 4 s … `cap`, allowing for a poll every 100 ms. */
function gapsFit(calls: readonly number[], cap: number): boolean {
  return calls.slice(1).every((at, i) => {
    const step = Math.min(1_000 * 2 ** i, cap);
    const gap = at - (calls[i] as number);
    return gap >= step * 0.5 && gap <= Math.max(step * 1.5, 1_000) + 100;
  });
}

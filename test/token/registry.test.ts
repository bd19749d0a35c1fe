import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { answer, hourly } from '../support/token-endpoint.ts';
import { carried, credentialConfig, failure, hour, now, openRoom, until } from './setting.ts';

const tenanted = (max = 1_000) =>
  credentialConfig({ tenant: { header: 'X-Location-Id', max }, params: { location: '{tenant}' } });

describe('tenants', () => {
  it('have a token each, and the credential without one is refused', async () => {
    const { endpoint, registry } = await openRoom(
      (_, { form }) => ({ json: answer(`t-${form.get('location')}`, 3600) }),
      {
        credentials: { acme: tenanted() },
      },
    );
    expect(carried(await registry.get('acme', 'a').acquire())).toBe('t-a');
    expect(carried(await registry.get('acme', 'b').acquire())).toBe('t-b');
    expect(carried(now(registry.get('acme', 'a').acquire()))).toBe('t-a');
    expect(endpoint.calls.length).toBe(2);
    const { message } = await failure(() => registry.get('acme'), 'tenant-required');
    expect(message).toContain('X-Location-Id');
  });

  it.each(['', 'a b', 'a\r\nb', 'ü', 'x'.repeat(257)])('refuses %j for a tenant', async (tenant) => {
    const { registry } = await openRoom(undefined, { credentials: { acme: tenanted() } });
    await failure(() => registry.get('acme', tenant), 'malformed-request');
    expect(registry.view()).toEqual([]);
  });

  it('are forgotten least recently used first, at most as many as allowed', async () => {
    const { registry } = await openRoom(undefined, { credentials: { acme: tenanted(3) } });
    for (const tenant of ['a', 'b', 'c']) await registry.get('acme', tenant).acquire();
    const first = registry.get('acme', 'a');
    for (const tenant of ['d', 'e']) await registry.get('acme', tenant).acquire();
    expect(
      registry
        .view()
        .map(({ tenant }) => tenant)
        .sort(),
    ).toEqual(['a', 'd', 'e']);
    expect(registry.get('acme', 'a')).toBe(first);
  });

  it('with a request in progress are not forgotten', async () => {
    const { endpoint, registry } = await openRoom(
      (n, call) => (call.form.get('location') === 'busy' ? { silent: true } : hourly(n, call)),
      { credentials: { acme: tenanted(2) } },
    );
    const wait = failure(() => registry.get('acme', 'busy').acquire(), 'shutting-down');
    await until(() => endpoint.calls.length === 1);
    const busy = registry.get('acme', 'busy');
    for (const tenant of ['b', 'c', 'd']) await registry.get('acme', tenant).acquire();
    expect(registry.get('acme', 'busy')).toBe(busy);
    expect(registry.view().length).toBe(2);
    await registry.close();
    await wait;
  });

  it('are forgotten though an answer to client_credentials has a refresh token', async () => {
    const { registry } = await openRoom(
      (n) => ({ json: answer(`t${n}`, 3600, { refresh_token: `r${n}` }) }),
      {
        credentials: { acme: tenanted(1) },
      },
    );
    for (const tenant of ['a', 'b']) await registry.get('acme', tenant).acquire();
    expect(registry.view().map(({ tenant }) => tenant)).toEqual(['b']);
  });

  it('that are forgotten come back with their session', async () => {
    const { endpoint, registry, log } = await openRoom(
      (n) => ({ json: answer(`t${n}`, 3600, { refresh_token: `r${n}` }) }),
      {
        credentials: {
          acme: { ...tenanted(1), grant_type: 'refresh_token', refresh_token: new Secret('r0') },
        },
      },
    );
    expect(carried(await registry.get('acme', 'a').acquire())).toBe('t1');
    expect(carried(await registry.get('acme', 'b').acquire())).toBe('t2');
    expect(carried(await registry.get('acme', 'a').acquire())).toBe('t1');
    expect(endpoint.calls.length).toBe(2);
    expect(log.adoptions).toBe(1);
  });
});

describe('warm credentials', () => {
  it('are waited for and asked for until they have a token', async () => {
    const { clock, endpoint, registry } = await openRoom(
      (n, call) => (n < 3 ? { status: 500, json: {} } : hourly(n, call)),
      {
        credentials: { acme: credentialConfig({ warm: true }), lazy: credentialConfig() },
      },
    );
    expect(registry.waitingFor()).toEqual(['acme']);
    registry.start();
    for (let i = 1; i <= 2; i++) {
      await until(() => registry.view()[0]?.refresh === 'BACKOFF' && endpoint.calls.length === i);
      expect(registry.waitingFor()).toEqual(['acme']);
      await clock.advance(3_001);
    }
    await until(() => registry.waitingFor().length === 0);
    expect(endpoint.calls.length).toBe(3);
    expect(registry.view()).toMatchObject([
      { credential: 'acme', region: 'FRESH', hadToken: true },
      { credential: 'lazy', region: 'NONE', hadToken: false },
    ]);
  });
});

describe('renewal ahead of use', () => {
  it('happens on the tick for what was used lately', async () => {
    const { clock, endpoint, registry, log } = await openRoom();
    const { hardAt } = await registry.get('acme').acquire();
    clock.step(hardAt - 30_000);
    now(registry.get('acme').acquire());
    expect(log.fetches.length).toBe(1);
    await until(() => log.fetches.length === 2);
    const second = now(registry.get('acme').acquire());
    clock.step(second.hardAt - 500_000);
    now(registry.get('acme').acquire());
    clock.step(480_000);
    await clock.advance(15_000);
    await until(() => log.fetches.length === 3);
    expect(log.fetches[2]).toMatchObject({ reason: 'soft', waiters: 0 });
    expect(endpoint.calls.length).toBe(3);
  });

  it('does not happen for what nobody used for long', async () => {
    const { clock, endpoint, registry } = await openRoom();
    await registry.get('acme').acquire();
    for (let i = 0; i < 2 * 240; i++) await clock.advance(15_000);
    expect(endpoint.calls.length).toBe(1);
  });
});

describe('stopping', () => {
  it('while draining serves what there is, and fetches only what is missing', async () => {
    const { clock, endpoint, registry } = await openRoom(undefined, {
      credentials: { acme: credentialConfig(), missing: credentialConfig() },
    });
    const acme = registry.get('acme');
    const first = await acme.acquire();
    registry.drain();
    clock.step(first.hardAt + 1_000);
    expect(now(acme.acquire())).toBe(first);
    expect(await acme.rejected(first, 'https://a.example')).toBeUndefined();
    expect(carried(await registry.get('missing').acquire())).toBe('t2');
    expect(endpoint.calls.length).toBe(2);
  });

  it('ends every wait at once and leaves no timer', async () => {
    const { clock, endpoint, registry } = await openRoom(() => ({ silent: true }));
    const wait = failure(() => registry.get('acme').acquire(), 'shutting-down');
    await until(() => endpoint.calls.length === 1);
    await registry.close();
    await registry.close();
    await wait;
    expect(clock.pending).toBe(0);
  });
});

/** Time passes, in steps that let requests be answered, for as long as a flight may take. */
async function advancing(clock: ManualClock): Promise<void> {
  for (let ms = 0; ms < 35_000; ms += 500) {
    await clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('secrets', () => {
  it('are in no error, event, view or diagnostics message', async () => {
    const published: unknown[] = [];
    const listen = (message: unknown) => published.push(message);
    subscribe('lru-cache:metrics', listen);
    try {
      const secret = /client-secret|SECRET-TOKEN|refresh-secret/;
      let reply: object = { json: answer('SECRET-TOKEN', 3600, { refresh_token: 'refresh-secret-2' }) };
      const config = {
        ...tenanted(2),
        grant_type: 'refresh_token' as const,
        refresh_token: new Secret('refresh-secret-1'),
      };
      const { clock, registry, log } = await openRoom(() => reply, { credentials: { acme: config } });
      const source = registry.get('acme', 'a');
      const token = await source.acquire();
      void source.rejected(token, 'https://a.example');
      const errors: unknown[] = [];
      for (reply of [
        { status: 400, json: { error: 'refresh-secret-2', error_description: 'client-secret' } },
        { status: 500, raw: 'client-secret refresh-secret-2' },
        { json: { access_token: 'SECRET-TOKEN\n' } },
        { raw: 'SECRET-TOKEN' },
      ]) {
        clock.step(3 * hour);
        const answered = Promise.resolve()
          .then(() => source.acquire())
          .catch((error: unknown) => error);
        await Promise.race([answered, advancing(clock)]);
        errors.push(await answered);
      }
      expect(errors.every((error) => error instanceof Error)).toBe(true);
      const all = [token, source, registry, registry.view(), log, errors, published];
      expect(inspect(all, { depth: 10, showHidden: true })).not.toMatch(secret);
      expect(JSON.stringify([...all, ...errors.map(String)])).not.toMatch(secret);
      expect(log.failures.length).toBe(4);
    } finally {
      unsubscribe('lru-cache:metrics', listen);
    }
  });
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { CredentialConfig } from '../../src/config/schema.ts';
import { Secret } from '../../src/config/secret.ts';
import { presets } from '../../src/provider/presets.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import type { TokenOwner } from '../../src/token/token.ts';
import { answer, hourly } from '../support/token-endpoint.ts';
import { carried, credentialConfig, failure, now, openRoom, until } from './setting.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** A registry, and how it takes up other credentials at the same provider; or at one that is equal, for those of `other`. */
async function open(credentials: Record<string, CredentialConfig>, script = hourly) {
  const room = await openRoom(script, { credentials });
  const { registry, endpoint } = room;
  const [known] = Object.keys(credentials).map((name) => registry.parts.provider(name));
  const adopt = (to: Record<string, CredentialConfig>, other: readonly string[] = []) => {
    const own = resolveProvider('test', { token: { url: endpoint.url } }, presets);
    const providers = Object.fromEntries(
      Object.keys(to).map((name) => [name, other.includes(name) || known === undefined ? own : known]),
    );
    const next = registry.prepare({ credentials: to, providers });
    next.adopt();
    return next.epoch;
  };
  return { ...room, adopt };
}

describe('credentials of another configuration', () => {
  it('that are the same objects keep their token; the others get one of their own', async () => {
    const [a, b] = [credentialConfig(), credentialConfig()];
    const { registry, endpoint, adopt } = await open({ a, b });
    const first = await registry.get('a').acquire();
    await registry.get('b').acquire();
    expect(adopt({ a, b: credentialConfig({ scope: 'more' }) })).toBe(1);
    expect(now(registry.get('a').acquire())).toBe(first);
    expect(carried(await registry.get('b').acquire())).toBe('t3');
    expect(endpoint.calls.map(({ form }) => form.get('scope'))).toEqual([null, null, 'more']);
  });

  it('change with their provider, and with the credential they use', async () => {
    const a = credentialConfig();
    const { registry, adopt } = await open({ a });
    expect(carried(await registry.get('a').acquire())).toBe('t1');
    adopt({ a }, ['a']);
    expect(carried(await registry.get('a').acquire())).toBe('t2');
  });

  it('are not in force before they are adopted', async () => {
    const { registry } = await open({ a: credentialConfig() });
    registry.prepare({
      credentials: { c: credentialConfig() },
      providers: { c: registry.parts.provider('a') },
    });
    await failure(() => registry.get('c'), 'internal');
    expect(registry.view().map(({ credential }) => credential)).toEqual(['a']);
  });

  it('leave those before them to whoever goes by these, until they are released', async () => {
    const a = credentialConfig();
    const { registry, adopt } = await open({ a });
    const old = await registry.at(0).get('a').acquire();
    const epoch = adopt({ a: credentialConfig({ scope: 'more' }) });
    const fresh = await registry.at(epoch).get('a').acquire();
    expect([carried(old), carried(fresh)]).toEqual(['t1', 't2']);
    expect(now(registry.at(0).get('a').acquire())).toBe(old);
    expect(registry.at(0).find('a')).not.toBe(registry.find('a'));
    await registry.release(epoch);
    await failure(() => registry.at(0).get('a'), 'token-unavailable');
    expect(registry.at(0).find('a')).toBeUndefined();
    expect(now(registry.at(epoch).get('a').acquire())).toBe(fresh);
  });

  it('that were never changed are found by every epoch, released or not', async () => {
    const a = credentialConfig();
    const { registry, adopt } = await open({ a });
    const token = await registry.get('a').acquire();
    for (let i = 0; i < 3; i++) adopt({ a, [`c${i}`]: credentialConfig() });
    await registry.release(3);
    for (const epoch of [0, 1, 2, 3]) expect(now(registry.at(epoch).get('a').acquire())).toBe(token);
    await failure(() => registry.at(2).get('c1'), 'token-unavailable');
  });

  it('end the token requests of those before them only when these are released', async () => {
    let finish = () => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { registry, endpoint, adopt } = await open({ a: credentialConfig() }, async (n) => {
      if (n === 1) await held;
      return { json: answer(`t${n}`, 3600) };
    });
    const waiting = registry.get('a').acquire();
    await until(() => endpoint.calls.length === 1);
    const epoch = adopt({ a: credentialConfig({ scope: 'more' }) });
    expect(carried(await registry.get('a').acquire())).toBe('t2');
    finish();
    expect(carried(await waiting)).toBe('t1');
    await registry.release(epoch);
    expect(registry.view()).toMatchObject([{ credential: 'a', gen: 1 }]);
  });

  it('keep the tenants of a credential that is the same', async () => {
    const a = credentialConfig({ tenant: { header: 'X-T', max: 5 } });
    const { registry, adopt } = await open({ a });
    const token = await registry.get('a', 'one').acquire();
    adopt({ a, b: credentialConfig() });
    expect(now(registry.get('a', 'one').acquire())).toBe(token);
    expect(carried(await registry.get('a', 'two').acquire())).toBe('t2');
    adopt({ a: credentialConfig({ tenant: { header: 'X-T', max: 5 } }) });
    expect(registry.view()).toMatchObject([]);
  });

  it('that are warm get their token at once, and readiness is not taken back', async () => {
    const a = credentialConfig({ warm: true });
    const { registry, endpoint, adopt } = await open({ a });
    expect(registry.waitingFor()).toEqual(['a']);
    registry.start();
    await until(() => registry.waitingFor().length === 0);
    adopt({ a, b: credentialConfig({ warm: true }) });
    expect(registry.waitingFor()).toEqual([]);
    await until(() => endpoint.calls.length === 2);
  });

  it('that are warm and cannot have their token yet are not tried more often for every change', async () => {
    const a = credentialConfig({ warm: true });
    const { registry, endpoint, clock, adopt } = await open({ a }, () => ({ status: 500, json: {} }));
    registry.start();
    await until(() => endpoint.calls.length === 1);
    await clock.advance(0);
    const { pending } = clock;
    for (let i = 0; i < 20; i++) adopt({ a, [`c${i}`]: credentialConfig() });
    await clock.advance(0);
    expect(clock.pending).toBe(pending);
  });

  it('that are warm are not fetched any more once they are there no longer', async () => {
    const a = credentialConfig({ warm: true });
    const { registry, clock, adopt } = await open({ a }, () => ({ status: 500, json: {} }));
    const { pending } = clock;
    registry.start();
    await until(() => registry.view()[0]?.lastFailure !== undefined);
    await until(() => clock.pending === pending + 1);
    adopt({ b: credentialConfig() });
    await clock.advance(60_000);
    expect(clock.pending).toBe(pending);
  });

  it('go on with a session and its token, which is not revoked with the ones before them', async () => {
    const session = (scope: string) =>
      credentialConfig({
        grant_type: 'refresh_token',
        refresh_token: new Secret('a-refresh-token'),
        revoke_on_shutdown: true,
        scope,
      });
    const { registry, endpoint } = await openRoom(hourly, { credentials: {} });
    const spec = { token: { url: endpoint.url }, revoke: { url: endpoint.url } };
    const a = resolveProvider('test', spec, presets);
    const adopt = async (credentials: Record<string, CredentialConfig>, serve = true) => {
      const next = registry.prepare({ credentials, providers: { a } });
      next.adopt();
      const token = serve ? carried(await registry.get('a').acquire()) : undefined;
      await registry.release(next.epoch);
      return token;
    };
    expect(await adopt({ a: session('one') })).toBe('t1');
    expect(await adopt({ a: session('two') })).toBe('t1');
    expect(endpoint.calls).toHaveLength(1);
    await adopt({}, false);
    expect(endpoint.calls.map(({ form }) => form.get('token'))).toEqual([null, 't1']);
  });

  it('are held by none that come after them', async () => {
    const tenants = (scope: string) => credentialConfig({ scope, tenant: { header: 'X-T', max: 5 } });
    const { registry, adopt } = await open({ a: tenants('') });
    await registry.get('a', 'x').acquire();
    const gone: WeakRef<TokenOwner>[] = [];
    for (let i = 0; i < 5; i++) {
      gone.push(new WeakRef(registry.get('a', 'x')));
      const epoch = adopt({ a: tenants(`${i}`) });
      await registry.get('a', 'x').acquire();
      await registry.release(epoch);
    }
    // The engine may keep the last for a while; it keeps no chain of them.
    await until(() => {
      collectGarbage();
      return gone.slice(0, 3).every((one) => one.deref() === undefined);
    });
  });
});

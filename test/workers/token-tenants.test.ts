import { describe, expect, it } from 'vitest';
import { answer, hourly } from '../support/token-endpoint.ts';
import { carried, failure, now, until } from '../token/setting.ts';
import { openDesk, quiet } from './token-setting.ts';

describe('tenants in a worker', () => {
  it('are named and required as in the parent', async () => {
    const { registry, worker } = await openDesk(undefined, 2);
    const { client } = worker();
    for (const [tenant, code] of [
      [undefined, 'tenant-required'],
      ['a b', 'malformed-request'],
    ] as const) {
      const own = await failure(() => registry.get('acme', tenant), code);
      const error = await failure(() => client.get('acme', tenant), code);
      expect(error.message).toBe(own.message);
    }
    const own = await failure(() => registry.get('nobody'), 'internal');
    expect((await failure(() => client.get('nobody'), 'internal')).message).toBe(own.message);
  });

  it('are told of their own token alone, and no more once the worker has forgotten them', async () => {
    const { clock, registry, worker } = await openDesk(
      (_, { form }) => ({ json: answer(`t-${form.get('location')}-${Math.random()}`, 3600) }),
      3,
    );
    const { client, wire } = worker();
    for (const tenant of ['a', 'b', 'c']) {
      expect(carried(await client.get('acme', tenant).acquire())).toMatch(`t-${tenant}-`);
    }
    const told = () => wire.toWorker.sent.filter(({ kind }) => kind === 'token-current');
    const before = told().length;
    await registry.revoke('acme', 'b');
    await quiet();
    expect(told().slice(before)).toMatchObject([
      { tenant: 'b', token: null },
      { tenant: 'b', token: null },
    ]);
    const again = client.get('acme', 'b').acquire();
    expect(again).toBeInstanceOf(Promise);
    await clock.advance(1_000);
    expect(carried(await again)).toMatch('t-b-');
  });

  it('beyond the limit go in the worker as in the parent, least recently used first', async () => {
    const { endpoint, registry, worker } = await openDesk(hourly, 2);
    const { client, wire } = worker();
    for (const tenant of ['a', 'b']) await client.get('acme', tenant).acquire();
    now(client.get('acme', 'a').acquire());
    await quiet();
    await client.get('acme', 'c').acquire();
    await quiet();
    expect(wire.toParent.sent).toContainEqual({
      kind: 'token-forgotten',
      credential: 'acme',
      tenant: 'b',
      epoch: 0,
    });
    expect(
      registry
        .view()
        .map(({ tenant }) => tenant)
        .sort(),
    ).toEqual(['a', 'c']);
    now(client.get('acme', 'a').acquire());
    expect(endpoint.calls.length).toBe(3);
  });

  it('that are waited for are not forgotten', async () => {
    const { endpoint, registry, worker } = await openDesk(() => ({ silent: true }), 1);
    const { client } = worker();
    const wait = failure(() => client.get('acme', 'a').acquire(), 'shutting-down');
    await until(() => endpoint.calls.length === 1);
    await failure(() => client.get('acme', 'b'), 'tenants-exhausted');
    await registry.close();
    await wait;
  });
});

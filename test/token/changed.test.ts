import { describe, expect, it } from 'vitest';
import type { Revocation } from '../../src/token/revocation.ts';
import type { Token } from '../../src/token/token.ts';
import {
  carried,
  credentialConfig,
  hour,
  now,
  openRoom,
  type Simulated,
  simulate,
  unavailable,
} from './setting.ts';

const origin = 'https://api.example';
const done: Revocation = { revoked: 1, deleted: false, failure: undefined, unsupported: false };

/** A credential that keeps what it tells of its token, `-` for none. */
function listening(answer?: (count: number) => Simulated) {
  const told: string[] = [];
  const setting = simulate(answer, 1, undefined, ({ credential }, token) => {
    told.push(`${credential} ${carried(token) ?? '-'}`);
    expect(setting.credential.serving).toBe(token);
  });
  return { ...setting, take: () => told.splice(0) };
}

describe('what is to be served', () => {
  it('is told when a token comes and when the next takes its place', async () => {
    const { clock, credential, take } = listening();
    const { refreshAt } = await credential.acquire();
    expect(take()).toEqual(['acme t1']);
    now(credential.acquire());
    expect(take()).toEqual([]);
    await clock.advance(refreshAt);
    now(credential.acquire());
    await clock.advance(0);
    expect(take()).toEqual(['acme t2']);
  });

  it('is told when a token is refused, when an origin takes it after all, and when it is prolonged', async () => {
    const { clock, credential, grant, take } = listening((n) =>
      n === 2 ? { failure: unavailable, latencyMs: 50 } : { value: 't1', lifetimeMs: hour },
    );
    const token = await credential.acquire();
    await clock.advance(5_000);
    take();
    const refused = credential.rejected(token, origin);
    expect(take()).toEqual(['acme -']);
    credential.accepted(token, 'https://other.example');
    credential.accepted(token, 'https://third.example');
    expect(take()).toEqual(['acme t1']);
    await clock.advance(50);
    expect(await refused).toBeUndefined();
    await clock.advance(token.refreshAt);
    now(credential.acquire());
    await clock.advance(0);
    expect(grant.calls.length).toBe(3);
    expect(take()).toEqual(['acme t1']);
  });

  it('is told when a token is revoked, and when it is taken back because it could not be', async () => {
    const { credential, take } = listening();
    await credential.acquire();
    take();
    await credential.revoke(async () => {
      expect(take()).toEqual(['acme -']);
      return { ...done, failure: unavailable };
    });
    expect(take()).toEqual(['acme t1']);
    await credential.revoke(async () => done);
    expect(take()[0]).toBe('acme -');
    expect(credential.serving).toBeUndefined();
  });

  it('is told when failures are forgotten and there is no token: it is worth asking again', async () => {
    const { credential, take } = listening();
    credential.reset();
    expect(take()).toEqual(['acme -']);
    await credential.acquire();
    take();
    credential.reset();
    expect(take()).toEqual([]);
  });

  it('is told of a tenant that makes room for another', async () => {
    const told: unknown[] = [];
    const acme = credentialConfig({
      tenant: { header: 'X-Location-Id', max: 1 },
      params: { location: '{tenant}' },
    });
    const { registry } = await openRoom(undefined, {
      credentials: { acme },
      changed: ({ credential, tenant }, token) => told.push([credential, tenant, carried(token)]),
    });
    await registry.get('acme', 'a').acquire();
    await registry.get('acme', 'b').acquire();
    expect(told).toEqual([
      ['acme', 'a', 't1'],
      ['acme', 'a', undefined],
      ['acme', 'b', 't2'],
    ]);
    expect(registry.find('acme', 'a')).toBeUndefined();
    expect(carried(registry.find('acme', 'b')?.serving)).toBe('t2');
  });
});

describe('a token that another instance had under the same number', () => {
  const stranger: Pick<Token, 'gen' | 'hash'> = { gen: 1, hash: '0'.repeat(64) };

  it('does not count as a refusal of the present one, which is the better one', async () => {
    const { clock, credential, grant, log } = listening();
    await credential.acquire();
    await clock.advance(5_000);
    expect(carried(await credential.rejected(stranger, origin))).toBe('t1');
    expect(carried(await credential.rejected({ ...stranger, gen: 7 }, origin))).toBe('t1');
    expect(log.refusals).toEqual([]);
    expect(grant.calls.length).toBe(1);
  });

  it('does not bring a refused one back when an origin takes it', async () => {
    const { clock, credential } = listening((n) =>
      n === 1 ? { value: 't1', lifetimeMs: hour } : { failure: unavailable },
    );
    const token = await credential.acquire();
    await clock.advance(5_000);
    expect(await credential.rejected(token, origin)).toBeUndefined();
    credential.accepted(stranger, origin);
    expect(credential.serving).toBeUndefined();
    credential.accepted(token, origin);
    expect(credential.serving).toBe(token);
  });
});

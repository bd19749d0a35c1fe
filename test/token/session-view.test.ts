import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { Secret } from '../../src/config/secret.ts';
import { CupbearerError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Session, SessionKey } from '../../src/store/session.ts';
import type { Store } from '../../src/store/store.ts';
import { seedOf } from '../../src/token/session-record.ts';
import { type StoreView, viewStore } from '../../src/token/session-view.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { credentialConfig } from './config.ts';

const clock = new ManualClock();
const grant_type = 'authorization_code';
const person = credentialConfig({ grant_type });
const tenants = credentialConfig({ grant_type, tenant: { header: 'X-Tenant', max: 10 } });

/** A token that was stored as soon as it was asked for, `ageMs` ago. */
function token(ageMs: number): NonNullable<Session['token']> {
  const t0Wall = clock.wall() - ageMs;
  const value = 'the-access-token';
  return { value, fields: [], lifetimeMs: 3_600_000, lifetimeKnown: true, t0Wall, storedWall: t0Wall };
}

async function storeWith(...sessions: [SessionKey, Session][]): Promise<Store> {
  const store = createMemoryStore(() => clock.wall());
  for (const [key, session] of sessions) await store.compareAndSet(key, undefined, session);
  return store;
}

const look = (credentials: Config['credentials'], store: Store): Promise<StoreView> =>
  viewStore({ config: { credentials }, store, clock, withinMs: 1_000 });

describe('what a store holds', () => {
  it.each<[string, Session | undefined, object]>([
    ['no session', undefined, { refreshToken: 'none' }],
    ['a refresh token', { head: 'h', refresh_token: 'r' }, { refreshToken: 'stored' }],
    ['a spent one', { head: 'h', refresh_token: 'r', spent: 'invalid_grant' }, { refreshToken: 'spent' }],
    [
      'an access token alone',
      { head: 'h', refresh_token: '', token: token(600_000) },
      { refreshToken: 'none', lifetimeLeftMs: 3_000_000 },
    ],
    [
      'an expired access token',
      { head: 'h', refresh_token: 'r', token: token(4_000_000) },
      { refreshToken: 'stored', lifetimeLeftMs: 0 },
    ],
    [
      'an access token from the future',
      { head: 'h', refresh_token: 'r', token: token(-1_000) },
      { refreshToken: 'stored', lifetimeLeftMs: 0 },
    ],
    [
      'a refresh that was begun',
      { head: 'h', refresh_token: 'r', intent: { owner: 'o', startedWall: 5 } },
      { refreshToken: 'stored', intentSince: 5 },
    ],
  ])('tells of %s', async (_what, session, expected) => {
    const store = await storeWith(
      ...(session ? [[{ credential: 'person' }, session] as [SessionKey, Session]] : []),
    );
    const nothing = {
      tenant: undefined,
      lifetimeLeftMs: undefined,
      intentSince: undefined,
      error: undefined,
    };
    const { tenant: _tenant, ...seen } = (await look({ person }, store)).sessions[0] ?? { tenant: '' };
    expect({ ...nothing, ...seen }).toEqual({ ...nothing, credential: 'person', ...expected });
  });

  it('tells of the configured refresh token where the session does not descend from it', async () => {
    const seeded = credentialConfig({ grant_type: 'refresh_token', refresh_token: new Secret('seed') });
    const seed = seedOf('seed');
    const key = { credential: 'seeded' };
    const tokens = async (store: Store) =>
      (await look({ seeded }, store)).sessions.map((one) => one.refreshToken);
    expect(await tokens(await storeWith())).toEqual(['configured']);
    expect(await tokens(await storeWith([key, { head: 'h', refresh_token: 'r', seed: 'older' }]))).toEqual([
      'configured',
    ]);
    expect(await tokens(await storeWith([key, { head: 'h', refresh_token: 'r', seed }]))).toEqual(['stored']);
  });

  it('tells of every stored tenant, and of nothing that is not configured', async () => {
    const session: Session = { head: 'h', refresh_token: 'r' };
    const store = await storeWith(
      [{ credential: 'tenants', tenant: 'a' }, session],
      [{ credential: 'tenants', tenant: 'b' }, session],
      [{ credential: 'tenants' }, session],
      [{ credential: 'machine' }, session],
      [{ credential: 'gone' }, session],
    );
    const { sessions } = await look({ tenants, machine: credentialConfig() }, store);
    expect(sessions.map(({ credential, tenant }) => [credential, tenant])).toEqual([
      ['tenants', 'a'],
      ['tenants', 'b'],
    ]);
  });

  it('says why the store tells nothing, and which record does not open', async () => {
    const store = await storeWith();
    const away: Store = {
      ...store,
      list: () => Promise.reject(new CupbearerError('store-unavailable', 'the store is away')),
    };
    expect(await look({ person }, away)).toEqual({
      kind: 'memory',
      error: 'the store is away',
      sessions: [],
    });
    const altered: Store = {
      ...store,
      load: () => Promise.reject(new CupbearerError('store-unreadable', 'the record was altered')),
    };
    expect(await look({ person }, altered)).toMatchObject({
      error: undefined,
      sessions: [{ refreshToken: 'unreadable', error: 'the record was altered' }],
    });
  });

  it('does not wait longer than it is told to', async () => {
    const silent: Store = { ...(await storeWith()), list: () => new Promise(() => {}) };
    const view = look({ person }, silent);
    await clock.advance(1_000);
    expect(await view).toEqual({
      kind: 'memory',
      error: 'the store did not answer within 1 s',
      sessions: [],
    });
  });

  it('shows no token and no refresh token', async () => {
    const key = { credential: 'person' };
    const store = await storeWith([key, { head: 'h', refresh_token: 'the-refresh-token', token: token(0) }]);
    const shown = JSON.stringify(await look({ person }, store));
    expect(shown).toContain('stored');
    expect(shown).not.toMatch(/the-(access|refresh)-token/);
  });
});

import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { CupbearerError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Session } from '../../src/store/session.ts';
import type { Store } from '../../src/store/store.ts';
import type { Clock } from '../../src/token/clock.ts';
import { isGone, ownerName } from '../../src/token/owner.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { answer, type Script, startTokenEndpoint, type TokenReply } from '../support/token-endpoint.ts';
import { carried, closing, credentialConfig, failure, hour, openRoom, type Room, until } from './setting.ts';

const key = { credential: 'acme' };

/** A provider with single-use refresh tokens: `x0` gives `tx1` and `x1`, and so on. */
const rotating: Script = (_count, { form }) => {
  const [, family = '', number = ''] = /^(.*?)(\d+)$/.exec(form.get('refresh_token') ?? '') ?? [];
  const next = `${family}${Number(number) + 1}`;
  return { json: answer(`t${next}`, 3600, { refresh_token: next }) };
};

/** The same, which ends a family when a spent refresh token comes again after 25 s. `hook` may answer instead. */
function strict(clock: ManualClock, hook?: (count: number) => TokenReply | undefined): Script {
  const spent = new Map<string, number>();
  const ended = new Set<string>();
  return (count, call) => {
    const token = call.form.get('refresh_token') ?? '';
    const family = token.replace(/\d+$/, '');
    const since = spent.get(token);
    if (since !== undefined && clock.wall() - since > 25_000) ended.add(family);
    if (since === undefined) spent.set(token, clock.wall());
    if (ended.has(family)) return { status: 400, json: { error: 'invalid_grant' } };
    return hook?.(count) ?? rotating(count, call);
  };
}

interface Setting {
  readonly script?: Script;
  readonly seed?: string;
  readonly clock?: Clock;
  readonly store?: Store;
  readonly revoke?: string;
}

async function open({
  script = rotating,
  seed = 'r0',
  clock = new ManualClock(),
  store,
  revoke,
}: Setting = {}) {
  const at = store ?? createMemoryStore(() => clock.wall());
  const room = await openRoom(script, {
    clock: clock as ManualClock,
    store: at,
    provider: revoke === undefined ? {} : { revoke: { url: revoke } },
    credentials: {
      acme: credentialConfig({
        grant_type: 'refresh_token',
        ...(seed === '' ? {} : { refresh_token: new Secret(seed) }),
      }),
    },
  });
  return {
    ...room,
    store: at,
    acme: room.registry.get('acme'),
    stored: async () => (await at.load(key)) as Session,
    sent: () => room.endpoint.calls.map((call) => call.form.get('refresh_token')),
  };
}

/** Lets time pass in steps until something is so, or at most `ms`. */
async function passing({ clock }: Pick<Room, 'clock'>, what: () => boolean, ms = 60_000): Promise<void> {
  for (let passed = 0; passed < ms && !what(); passed += 100) {
    await clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

describe('R34 a process whose clock is behind', () => {
  it.each([50, 300, 2_000])('by %i ms takes what another has stored meanwhile', async (behind) => {
    const answering = gate();
    const first = await open({
      script: async (count, call) => {
        await answering.opened;
        return rotating(count, call);
      },
    });
    const { clock } = first;
    const late: Clock = {
      mono: () => clock.mono(),
      wall: () => clock.wall() - behind,
      after: (ms, fn) => clock.after(ms, fn),
      random: () => 0.5,
    };
    const second = await open({ store: first.store, clock: late });
    const one = Promise.resolve(first.acme.acquire());
    await until(() => first.endpoint.calls.length === 1);
    const two = Promise.resolve(second.acme.acquire());
    answering.open();
    await one;
    await passing(first, () => second.log.adoptions + second.log.fetches.length > 0);
    expect(carried(await two)).toBe('tr1');
    expect(second.endpoint.calls.length).toBe(0);
  });
});

describe('a process whose configuration is old', () => {
  it('does not put an old configured refresh token in the place of a newer session', async () => {
    const clock = new ManualClock();
    const script = strict(clock);
    const old = await open({ script, seed: 'old0', clock });
    await old.acme.acquire();
    clock.step(hour);
    const fresh = await open({ script, seed: 'new0', clock, store: old.store });
    expect(carried(await fresh.acme.acquire())).toBe('tnew1');
    expect(carried(await old.acme.acquire())).toBe('tnew1');
    clock.step(hour);
    expect(carried(await fresh.acme.acquire())).toBe('tnew2');
  });
});

describe('an answer that cannot be stored', () => {
  function failing(clock: ManualClock, isDown: (session: Session) => boolean): Store {
    const memory = createMemoryStore(() => clock.wall());
    return {
      ...memory,
      async compareAndSet(at, head, session) {
        if (isDown(session)) throw new CupbearerError('store-unavailable', 'the store is down');
        return memory.compareAndSet(at, head, session);
      },
    };
  }

  it('is stored as soon as the store is back, though nobody asks for a token', async () => {
    const clock = new ManualClock();
    let down = true;
    const room = await open({ clock, store: failing(clock, (session) => down && session.raw !== undefined) });
    void Promise.resolve(room.acme.acquire()).catch(() => undefined);
    await until(() => room.endpoint.calls.length === 1);
    await passing(room, () => room.log.failures.length === 1, 90_000);
    down = false;
    await clock.advance(1_000);
    expect((await room.stored()).refresh_token).toBe('r1');
  });

  it('holds a stop up until it is stored', async () => {
    const clock = new ManualClock();
    let down = true;
    const room = await open({ clock, store: failing(clock, (session) => down && session.raw !== undefined) });
    void Promise.resolve(room.acme.acquire()).catch(() => undefined);
    await until(() => room.endpoint.calls.length === 1);
    await passing(room, () => room.log.failures.length === 1, 90_000);
    let closed = false;
    const closing = room.registry.close().then(() => {
      closed = true;
    });
    await clock.advance(5_000);
    expect(closed).toBe(false);
    down = false;
    await clock.advance(1_000);
    await closing;
    expect((await room.stored()).refresh_token).toBe('r1');
  });

  it('gives way to what somebody else has stored meanwhile', async () => {
    const clock = new ManualClock();
    const memory = createMemoryStore(() => clock.wall());
    const store: Store = {
      ...memory,
      async compareAndSet(at, head, session) {
        if (session.raw !== undefined) {
          const token = { value: 'theirs', fields: ['Authorization', 'Bearer theirs'], lifetimeMs: hour };
          const times = { lifetimeKnown: true, t0Wall: clock.wall(), storedWall: clock.wall() };
          const theirs = {
            head: 'theirs',
            refresh_token: 'r9',
            seed: session.seed,
            token: { ...token, ...times },
          };
          await memory.compareAndSet(at, head, theirs);
        }
        return memory.compareAndSet(at, head, session);
      },
    };
    const room = await open({ clock, store });
    expect(carried(await room.acme.acquire())).toBe('theirs');
    expect((await room.stored()).refresh_token).toBe('r9');
  });
});

describe('R37 an answer that never comes', () => {
  it('is asked for again within the grace', async () => {
    const clock = new ManualClock();
    const script = strict(clock, (count) => (count === 1 ? { silent: true } : undefined));
    const room = await open({ script, clock });
    void Promise.resolve(room.acme.acquire()).catch(() => undefined);
    await until(() => room.endpoint.calls.length === 1);
    await passing(room, () => room.log.fetches.length === 1, 25_000);
    expect(carried(await room.acme.acquire())).toBe('tr1');
    expect(room.sent()).toEqual(['r0', 'r0']);
  });
});

describe('a clock that is set back', () => {
  it('does not open the grace again', async () => {
    let down = false;
    const room = await open({ script: (count, call) => (down ? { cut: true } : rotating(count, call)) });
    await room.acme.acquire();
    down = true;
    room.clock.step(hour - 300_000);
    await room.acme.acquire();
    await passing(room, () => room.log.failures.length === 1);
    const { length } = room.endpoint.calls;
    room.clock.setWall(-120_000);
    for (let i = 0; i < 10; i++) {
      room.clock.step(3_000);
      await room.acme.acquire();
      await new Promise(setImmediate);
    }
    expect(room.endpoint.calls.length).toBe(length);
  });
});

describe('a note that was written although the store said otherwise', () => {
  it('does not hold up the next renewal: nothing had been sent', async () => {
    const clock = new ManualClock();
    const memory = createMemoryStore(() => clock.wall());
    let fails = false;
    const store: Store = {
      ...memory,
      async compareAndSet(at, head, session) {
        const written = await memory.compareAndSet(at, head, session);
        if (fails && session.intent) throw new CupbearerError('store-unavailable', 'timed out');
        return written;
      },
    };
    const room = await open({ clock, store });
    await room.acme.acquire();
    fails = true;
    clock.step(hour - 300_000);
    await room.acme.acquire();
    await until(() => room.log.failures.length === 1);
    fails = false;
    clock.step(60_000);
    await room.acme.acquire();
    await until(() => room.log.fetches.length === 2);
    expect(room.sent()).toEqual(['r0', 'r1']);
  });
});

describe('a lease', () => {
  it('is prolonged for as long as an answer is waited for', async () => {
    const answering = gate();
    const first = await open({
      script: async (count, call) => {
        await answering.opened;
        return rotating(count, call);
      },
    });
    const second = await open({ store: first.store, clock: first.clock });
    const one = Promise.resolve(first.acme.acquire()).catch(() => undefined);
    await until(() => first.endpoint.calls.length === 1);
    void Promise.resolve(second.acme.acquire()).catch(() => undefined);
    await passing(first, () => false, 15_000);
    expect(second.endpoint.calls.length).toBe(0);
    answering.open();
    await one;
    await passing(first, () => second.log.adoptions === 1);
    expect(second.endpoint.calls.length).toBe(0);
  });

  it('of a process that is there is not taken for that of one that is gone', () => {
    const own = ownerName();
    expect(isGone(own)).toBe(false);
    const [, namespace = '', pid = '', started = ''] = /^([^.]+)\.(\d+)\.(\d+):/.exec(own) ?? [];
    expect(started).not.toBe('');
    expect(isGone(`${namespace}.${pid}.${Number(started) + 1}:x`)).toBe(true);
    expect(isGone(`${namespace}.4194303.${started}:x`)).toBe(true);
    expect(isGone(`elsewhere.${pid}.${Number(started) + 1}:x`)).toBe(false);
    expect(isGone('-:x')).toBe(false);
  });
});

describe('a stop while another renewal is waited for', () => {
  it('lets no refresh token out any more', async () => {
    const answering = gate();
    const script: Script = async (count, call) => {
      if (call.form.get('refresh_token') === 'a0') await answering.opened;
      return rotating(count, call);
    };
    const clock = new ManualClock();
    const store = createMemoryStore(() => clock.wall());
    const session = (seed: string) =>
      credentialConfig({ grant_type: 'refresh_token', refresh_token: new Secret(seed) });
    const room = await openRoom(script, {
      clock,
      store,
      credentials: { a: session('a0'), b: session('b0') },
    });
    const b = room.registry.get('b');
    await b.acquire();
    clock.step(600);
    void Promise.resolve(room.registry.get('a').acquire()).catch(() => undefined);
    await until(() => room.endpoint.calls.length === 2);
    room.registry.restart('b');
    const closed = room.registry.close();
    await clock.advance(1_000);
    answering.open();
    await closed;
    expect(room.endpoint.calls.map(({ form }) => form.get('refresh_token'))).toEqual(['b0', 'a0']);
    expect((await store.load({ credential: 'b' }))?.intent).toBeUndefined();
  });
});

describe('a login that comes while an answer is being stored', () => {
  it('is taken up all the same', async () => {
    const clock = new ManualClock();
    const memory = createMemoryStore(() => clock.wall());
    let login: (() => Promise<void>) | undefined;
    const store: Store = {
      ...memory,
      async compareAndSet(at, head, session) {
        const written = await memory.compareAndSet(at, head, session);
        if (session.raw !== undefined) await login?.();
        return written;
      },
    };
    const room = await open({ clock, store });
    await room.acme.acquire();
    login = async () => {
      login = undefined;
      const { head, seed, token } = await room.stored();
      const theirs = {
        ...token,
        value: 'login',
        fields: ['Authorization', 'Bearer login'],
      } as Session['token'];
      await memory.compareAndSet(key, head, { head: 'L', refresh_token: 'r70', seed, token: theirs });
      room.registry.restart('acme');
    };
    clock.step(hour - 400_000);
    await room.acme.acquire();
    await until(() => room.endpoint.calls.length === 2);
    await passing(room, () => room.log.adoptions === 1, 5_000);
    expect(carried(await room.acme.acquire())).toBe('login');
  });
});

describe('a revocation', () => {
  async function revocable(script: Script = rotating) {
    const told: string[] = [];
    const revoke = await startTokenEndpoint((_count, { form }) => {
      told.push(form.get('token') ?? '');
      return { json: {} };
    });
    closing(() => revoke.close());
    return { ...(await open({ script, revoke: revoke.url })), told, revoke };
  }

  it('waits for a renewal that is under way, and revokes what it brings', async () => {
    const answering = gate();
    const room = await revocable(async (count, call) => {
      if (count === 2) await answering.opened;
      return rotating(count, call);
    });
    await room.acme.acquire();
    room.clock.step(hour);
    const during = Promise.resolve(room.acme.acquire());
    await until(() => room.endpoint.calls.length === 2);
    const revoked = room.registry.revoke('acme');
    await passing(room, () => false, 1_000);
    answering.open();
    await passing(room, () => room.told.length === 3, 5_000);
    expect(await revoked).toMatchObject({ revoked: 3, deleted: true, failure: undefined });
    expect(room.told.sort()).toEqual(['r2', 'tr1', 'tr2']);
    expect(carried(await during)).toBe('tr2');
    room.clock.step(3_000);
    await failure(() => room.acme.acquire(), 'reauthorization-required');
    expect(room.sent()).toEqual(['r0', 'r1']);
  });

  it('of a session that is being renewed for long does nothing, and says so', async () => {
    const answering = gate();
    const room = await revocable(async (count, call) => {
      if (count === 2) await answering.opened;
      return rotating(count, call);
    });
    await room.acme.acquire();
    room.clock.step(hour);
    void Promise.resolve(room.acme.acquire()).catch(() => undefined);
    await until(() => room.endpoint.calls.length === 2);
    const revoked = room.registry.revoke('acme');
    await passing(room, () => false, 7_000);
    expect(await revoked).toMatchObject({ revoked: 0, deleted: false, failure: { error: 'busy' } });
    expect(room.told).toEqual([]);
    answering.open();
    await until(() => room.log.fetches.length === 2);
  });

  it('lets nobody take the token out of the store meanwhile', async () => {
    const answering = gate();
    const room = await revocable();
    room.revoke.script = async () => {
      await answering.opened;
      return { json: {} };
    };
    await room.acme.acquire();
    const revoked = room.registry.revoke('acme');
    await until(() => room.revoke.calls.length === 1);
    const meanwhile = failure(() => room.acme.acquire(), 'reauthorization-required');
    await passing(room, () => false, 1_500);
    answering.open();
    expect(await revoked).toMatchObject({ revoked: 2, deleted: true });
    await passing(room, () => false, 500);
    await meanwhile;
  });

  it('makes the configured refresh token start nothing any more, until there is another', async () => {
    const room = await revocable();
    await room.acme.acquire();
    await room.registry.revoke('acme');
    for (let i = 0; i < 3; i++) {
      room.clock.step(3_000);
      await failure(() => room.acme.acquire(), 'reauthorization-required');
    }
    expect(room.sent()).toEqual(['r0']);
    const again = await open({ store: room.store, clock: room.clock, seed: 's0' });
    expect(carried(await again.acme.acquire())).toBe('ts1');
  });

  it('does not touch a session that a login has just begun', async () => {
    const room = await revocable();
    await room.acme.acquire();
    room.revoke.script = async () => {
      const { head, seed } = await room.stored();
      if (head !== 'login')
        await room.store.compareAndSet(key, head, { head: 'login', refresh_token: 'n0', seed });
      return { json: {} };
    };
    expect(await room.registry.revoke('acme')).toMatchObject({ deleted: false });
    expect((await room.stored()).refresh_token).toBe('n0');
  });
});

import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { CupbearerError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Session } from '../../src/store/session.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { answer, type Script, type TokenReply } from '../support/token-endpoint.ts';
import { carried, credentialConfig, failure, hour, now, openRoom, type Room, until } from './setting.ts';

const key = { credential: 'acme' };

/** A provider with single-use refresh tokens that notes which it was sent: `r0` gives `t1` and `r1`, and so on. */
function rotating(replies: Record<number, TokenReply> = {}): Script {
  return (count, { form }) => {
    if (replies[count]) return replies[count];
    const next = Number(/\d+$/.exec(form.get('refresh_token') ?? '')) + 1;
    return { json: answer(`t${next}`, 3600, { refresh_token: `r${next}` }) };
  };
}

interface Setting {
  readonly script?: Script;
  readonly seed?: string | undefined;
  readonly store?: Store;
  readonly clock?: ManualClock;
}

async function open({ script = rotating(), seed = 'r0', clock = new ManualClock(), store }: Setting = {}) {
  const refresh_token = seed === '' ? {} : { refresh_token: new Secret(seed) };
  const at = store ?? createMemoryStore(() => clock.wall());
  const room = await openRoom(script, {
    clock,
    store: at,
    credentials: { acme: credentialConfig({ grant_type: 'refresh_token', ...refresh_token }) },
  });
  const stored = async () => (await at.load(key)) as Session;
  return {
    ...room,
    store: at,
    stored,
    sent: () => room.endpoint.calls.map((call) => call.form.get('refresh_token')),
  };
}

/** Lets time pass in steps until something is so. */
async function passing({ clock }: Pick<Room, 'clock'>, what: () => boolean, ms = 60_000): Promise<void> {
  for (let passed = 0; passed < ms && !what(); passed += 100) {
    await clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(what()).toBe(true);
}

describe('R44 a restart', () => {
  it('serves the stored token without a token call', async () => {
    const first = await open();
    await first.registry.get('acme').acquire();
    const again = await open({ store: first.store, clock: first.clock });
    const token = await again.registry.get('acme').acquire();
    expect(carried(token)).toBe('t1');
    expect(again.endpoint.calls.length).toBe(0);
    expect(again.log.adoptions).toBe(1);
  });

  it('renews a stored token that is over with the stored refresh token, not with the configured one', async () => {
    const first = await open();
    await first.registry.get('acme').acquire();
    first.clock.step(hour);
    const again = await open({ store: first.store, clock: first.clock });
    expect(carried(await again.registry.get('acme').acquire())).toBe('t2');
    expect(again.sent()).toEqual(['r1']);
  });

  it('counts a token from the future as over: the clock was set back', async () => {
    const first = await open();
    await first.registry.get('acme').acquire();
    first.clock.setWall(-10_000);
    const again = await open({ store: first.store, clock: first.clock });
    expect(carried(await again.registry.get('acme').acquire())).toBe('t2');
  });

  it('counts the time between as lifetime', async () => {
    const first = await open();
    await first.registry.get('acme').acquire();
    first.clock.step(hour - 200_000);
    const again = await open({ store: first.store, clock: first.clock });
    await again.registry.get('acme').acquire();
    expect(again.registry.view()[0]?.lifetimeLeftMs).toBe(200_000);
  });

  it('with another configured refresh token starts another session', async () => {
    const first = await open();
    await first.registry.get('acme').acquire();
    const again = await open({ store: first.store, clock: first.clock, seed: 'r70' });
    expect(carried(await again.registry.get('acme').acquire())).toBe('t71');
    expect(again.sent()).toEqual(['r70']);
    expect((await again.stored()).refresh_token).toBe('r71');
  });

  it('with the refresh token gone from the configuration goes on with the stored session', async () => {
    const first = await open();
    await first.registry.get('acme').acquire();
    const again = await open({ store: first.store, clock: first.clock, seed: '' });
    expect(carried(await again.registry.get('acme').acquire())).toBe('t1');
  });
});

describe('R32 what an answer brings', () => {
  it('is stored before it is used, and first of all as it came', async () => {
    const clock = new ManualClock();
    const memory = createMemoryStore(() => clock.wall());
    const writes: Session[] = [];
    const store: Store = {
      ...memory,
      async compareAndSet(at, head, session) {
        writes.push(session);
        return memory.compareAndSet(at, head, session);
      },
    };
    const { registry, log } = await open({ store, clock });
    await registry.get('acme').acquire();
    expect(log.fetches.length).toBe(1);
    const [intent, raw, token] = writes;
    expect(writes.length).toBe(3);
    expect(intent).toMatchObject({ refresh_token: 'r0', intent: { startedWall: clock.wall() } });
    expect(raw).toMatchObject({ refresh_token: 'r1', raw: { status: 200 } });
    expect(raw?.intent).toBeUndefined();
    expect(raw?.head).not.toBe(intent?.head);
    expect(token).toMatchObject({ refresh_token: 'r1', token: { value: 't1' }, head: raw?.head });
    expect(token?.raw).toBeUndefined();
  });

  it('is read from the store when a crash came before it was read', async () => {
    const first = await open();
    await first.registry.get('acme').acquire();
    const { token: _, ...session } = await first.stored();
    const body = JSON.stringify(answer('t1', 3600, { refresh_token: 'r1' }));
    const raw = { status: 200, body, t0Wall: first.clock.wall() };
    await first.store.compareAndSet(key, session.head, { ...session, raw });
    const again = await open({ store: first.store, clock: first.clock });
    expect(carried(await again.registry.get('acme').acquire())).toBe('t1');
    expect(again.endpoint.calls.length).toBe(0);
  });

  it('R40 is kept when it cannot be used: the refresh token in it is the one that counts', async () => {
    const broken = { json: { refresh_token: 'r1', access_token: 'with space' } };
    const { clock, registry, sent, stored } = await open({ script: rotating({ 1: broken }) });
    await failure(() => registry.get('acme').acquire(), 'token-answer-invalid');
    expect((await stored()).refresh_token).toBe('r1');
    clock.step(3_000);
    await registry.get('acme').acquire();
    expect(sent()).toEqual(['r0', 'r1']);
  });
});

describe('R37 a refresh token that went unanswered', () => {
  it.each([
    ['a cut connection', { cut: true }],
    ['502', { status: 502, raw: 'Bad Gateway' }],
    ['503', { status: 503, json: { error: 'temporarily_unavailable' } }],
    ['an empty 200', { raw: '' }],
    ['an HTML page', { raw: '<html>', headers: { 'content-type': 'text/html' } }],
    ['server_error', { status: 400, json: { error: 'server_error' } }],
  ])('is sent again after 1 s: %s', async (_, reply) => {
    const room = await open({ script: rotating({ 1: reply }) });
    const acquired = Promise.resolve(room.registry.get('acme').acquire());
    await until(() => room.endpoint.calls.length === 1);
    expect((await room.stored()).intent).toBeDefined();
    await passing(room, () => room.endpoint.calls.length === 2);
    expect(carried(await acquired)).toBe('t1');
    expect(room.sent()).toEqual(['r0', 'r0']);
    expect((await room.stored()).intent).toBeUndefined();
  });

  it('is sent again three times within the grace, and then not before the token at hand is over', async () => {
    let down = false;
    const room = await open({
      script: (n, call) => (down ? { cut: true } : rotating()(n, call)),
    });
    const acme = room.registry.get('acme');
    await acme.acquire();
    down = true;
    room.clock.step(hour - 300_000);
    expect(carried(now(acme.acquire()))).toBe('t1');
    await passing(room, () => room.endpoint.calls.length === 5);
    await until(() => room.log.failures.length === 1);
    room.clock.step(17_000);
    for (let i = 0; i < 20; i++) {
      room.clock.step(10_000);
      await acme.acquire();
      await new Promise(setImmediate);
    }
    expect(room.endpoint.calls.length).toBe(5);
    expect(room.log.failures.at(-1)?.failure.error).toBe('unanswered');
    down = false;
    room.clock.step(110_000);
    const last = Promise.resolve(acme.acquire());
    await passing(room, () => room.endpoint.calls.length === 6);
    expect(carried(await last)).toBe('t2');
    expect(room.sent().slice(1)).toEqual(Array(5).fill('r1'));
  });

  it('is sent again at once after a restart', async () => {
    let end = () => {};
    const held = new Promise<TokenReply>((resolve) => {
      end = () => resolve({ cut: true });
    });
    const first = await open({ script: () => held });
    void Promise.resolve(first.registry.get('acme').acquire()).catch(() => undefined);
    await until(() => first.endpoint.calls.length === 1);
    await first.store.release(key, await first.store.lease(key, 'nobody', 1));
    const again = await open({ store: first.store, clock: first.clock });
    expect(carried(await again.registry.get('acme').acquire())).toBe('t1');
    expect(again.sent()).toEqual(['r0']);
    end();
  });

  it('stays in question when what follows it never reaches the provider', async () => {
    const room = await open({ script: rotating({ 1: { cut: true }, 2: { status: 429, json: {} } }) });
    const acquired = failure(() => room.registry.get('acme').acquire(), 'token-unavailable');
    await passing(room, () => room.endpoint.calls.length === 2);
    await acquired;
    expect((await room.stored()).intent).toBeDefined();
  });

  it('waits as long as the provider asks', async () => {
    const busy = { status: 503, json: {}, headers: { 'retry-after': '4' } };
    const room = await open({ script: rotating({ 1: busy }) });
    const acquired = Promise.resolve(room.registry.get('acme').acquire());
    await until(() => room.endpoint.calls.length === 1);
    const since = room.clock.mono();
    await passing(room, () => room.endpoint.calls.length === 2);
    expect(room.clock.mono() - since).toBeGreaterThanOrEqual(4_000);
    expect(carried(await acquired)).toBe('t1');
  });
});

describe('a refresh token the provider did not take', () => {
  it.each([
    ['429', { status: 429, json: {} }],
    ['invalid_client', { status: 401, json: { error: 'invalid_client' } }],
    ['invalid_scope', { status: 400, json: { error: 'invalid_scope' } }],
    ['temporarily_unavailable', { status: 400, json: { error: 'temporarily_unavailable' } }],
  ])('is as good as before: %s', async (_, reply) => {
    const { clock, registry, endpoint, sent, stored } = await open({ script: rotating({ 1: reply }) });
    await expect(async () => registry.get('acme').acquire()).rejects.toThrow(CupbearerError);
    expect(endpoint.calls.length).toBe(1);
    expect((await stored()).intent).toBeUndefined();
    clock.step(120_000);
    expect(carried(await registry.get('acme').acquire())).toBe('t1');
    expect(sent()).toEqual(['r0', 'r0']);
  });
});

describe('R43 a refresh token the provider refuses for good', () => {
  const dead: Script = () => ({ status: 400, json: { error: 'invalid_grant' } });

  it('is sent once, and never again, not even after a restart', async () => {
    const first = await open({ script: dead });
    for (let i = 0; i < 50; i++) {
      await failure(() => first.registry.get('acme').acquire(), 'reauthorization-required');
      first.clock.step(60_000);
    }
    expect(first.endpoint.calls.length).toBe(1);
    expect(first.log.failures.length).toBe(1);
    const again = await open({ script: dead, store: first.store, clock: first.clock });
    await failure(() => again.registry.get('acme').acquire(), 'reauthorization-required');
    expect(again.endpoint.calls.length).toBe(0);
  });

  it('leaves the token at hand in use', async () => {
    const room = await open({ script: (n, call) => (n === 1 ? rotating()(n, call) : dead(n, call)) });
    const acme = room.registry.get('acme');
    await acme.acquire();
    room.clock.step(hour - 300_000);
    now(acme.acquire());
    await until(() => room.log.failures.length === 1);
    for (let i = 0; i < 20; i++) {
      room.clock.step(10_000);
      expect(carried(now(acme.acquire()))).toBe('t1');
    }
    expect(room.endpoint.calls.length).toBe(2);
  });

  it('makes way for a login within seconds', async () => {
    const room = await open({ script: dead });
    await failure(() => room.registry.get('acme').acquire(), 'reauthorization-required');
    const { head, seed } = await room.stored();
    const session = { head: 'login', refresh_token: 'r8', ...(seed === undefined ? {} : { seed }) };
    expect(await room.store.compareAndSet(key, head, session)).toBe(true);
    room.endpoint.script = rotating();
    room.clock.step(2_000);
    expect(carried(await room.registry.get('acme').acquire())).toBe('t9');
  });

  it('R36 gives way to the one that somebody else has stored meanwhile', async () => {
    const clock = new ManualClock();
    const store = createMemoryStore(() => clock.wall());
    const script: Script = async () => {
      const { head, seed } = (await store.load(key)) as Session;
      const token = {
        value: 'theirs',
        fields: ['Authorization', 'Bearer theirs'],
        lifetimeMs: hour,
        lifetimeKnown: true,
        t0Wall: clock.wall(),
        storedWall: clock.wall(),
      };
      await store.compareAndSet(key, head, { head: 'their-head', refresh_token: 'r9', seed, token });
      return { status: 400, json: { error: 'invalid_grant' } };
    };
    const { registry, log } = await open({ script, store, clock });
    expect(carried(await registry.get('acme').acquire())).toBe('theirs');
    expect(log.failures).toEqual([]);
    expect((await store.load(key))?.refresh_token).toBe('r9');
  });
});

describe('R34 two that share a store', () => {
  it('spend the refresh token once: the one that waited takes what the other brought', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = await open({
      script: async (n, call) => {
        await held;
        return rotating()(n, call);
      },
    });
    const second = await open({ store: first.store, clock: first.clock });
    const one = Promise.resolve(first.registry.get('acme').acquire());
    await until(() => first.endpoint.calls.length === 1);
    const two = Promise.resolve(second.registry.get('acme').acquire());
    await first.clock.advance(1_000);
    release();
    expect(carried(await one)).toBe('t1');
    await passing(first, () => second.log.adoptions === 1);
    expect(carried(await two)).toBe('t1');
    expect(second.endpoint.calls.length).toBe(0);
  });

  it('tell a caller who has waited long what for', async () => {
    const room = await open();
    await room.store.lease(key, 'another process', 60_000);
    let message = '';
    void failure(() => room.registry.get('acme').acquire(), 'token-unavailable').then((error) => {
      ({ message } = error);
    });
    await passing(room, () => message !== '', 11_000);
    expect(message).toMatch(/^credential acme: another process has been renewing this session/);
  });

  it('R24 after a 401 the one takes the token the other has fetched', async () => {
    const first = await open();
    const second = await open({ store: first.store, clock: first.clock });
    const old = await second.registry.get('acme').acquire();
    const acme = first.registry.get('acme');
    const token = await acme.acquire();
    first.clock.step(3_000);
    expect(carried(await acme.rejected(token, 'https://api'))).toBe('t2');
    expect(carried(await second.registry.get('acme').rejected(old, 'https://api'))).toBe('t2');
    expect([first.endpoint.calls.length, second.endpoint.calls.length]).toEqual([1, 1]);
  });

  it('R35 the one whose lease ran out can still commit what only it holds', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const room = await open({
      script: async (n, call) => {
        await held;
        return rotating()(n, call);
      },
    });
    const acquired = Promise.resolve(room.registry.get('acme').acquire());
    await until(() => room.endpoint.calls.length === 1);
    const session = await room.stored();
    const holder = await room.store.lease(key, 'other', 60_000);
    await room.store.release(key, holder);
    await room.store.lease(key, 'other', 60_000);
    await room.store.compareAndSet(key, session.head, {
      ...session,
      intent: { owner: 'other', startedWall: room.clock.wall() },
    });
    release();
    expect(carried(await acquired)).toBe('t1');
    expect((await room.stored()).refresh_token).toBe('r1');
    expect(await room.store.lease(key, 'third', 1_000)).toBe('other');
  });
});

describe('R22 a store that cannot be reached', () => {
  async function failing(which: (count: number) => boolean) {
    const clock = new ManualClock();
    const memory = createMemoryStore(() => clock.wall());
    let writes = 0;
    const store: Store = {
      ...memory,
      async compareAndSet(at, head, session) {
        if (which(++writes)) throw new CupbearerError('store-unavailable', 'the store is down');
        return memory.compareAndSet(at, head, session);
      },
    };
    return open({ store, clock });
  }

  it('lets no refresh token out that could not be followed', async () => {
    const { registry, endpoint } = await failing(() => true);
    const { message } = await failure(() => registry.get('acme').acquire(), 'store-unavailable');
    expect(message).toMatch(/credential acme: the store is down/);
    expect(endpoint.calls.length).toBe(0);
  });

  it('holds an answer back until it is stored, however long that takes', async () => {
    const room = await failing((count) => count > 1 && count < 6);
    let acquired: unknown;
    const waiting = Promise.resolve(room.registry.get('acme').acquire()).then((token) => {
      acquired = token;
    });
    await until(() => room.endpoint.calls.length === 1);
    await passing(room, () => acquired !== undefined, 5_000);
    await waiting;
    expect((await room.stored()).refresh_token).toBe('r1');
  });

  it('stores an answer of one flight in the next', async () => {
    let down = true;
    const room = await failing((count) => count > 1 && down);
    void Promise.resolve(room.registry.get('acme').acquire()).catch(() => undefined);
    await until(() => room.endpoint.calls.length === 1);
    await passing(room, () => room.log.failures.length === 1);
    down = false;
    await room.clock.advance(40_000);
    expect(carried(await room.registry.get('acme').acquire())).toBe('t1');
    expect(room.endpoint.calls.length).toBe(1);
    expect((await room.stored()).refresh_token).toBe('r1');
  });

  it('stops nobody who needs no session', async () => {
    const clock = new ManualClock();
    const down = async () => {
      throw new CupbearerError('store-unavailable', 'the store is down');
    };
    const store: Store = {
      ...createMemoryStore(() => clock.wall()),
      load: down,
      lease: down,
      compareAndSet: down,
    };
    const { registry } = await openRoom(undefined, { store, clock });
    expect(carried(await registry.get('acme').acquire())).toBe('t1');
  });
});

describe('a stop', () => {
  it('waits for the answer to a refresh token that was sent, and stores it', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const room = await open({
      script: async (n, call) => {
        await held;
        return rotating()(n, call);
      },
    });
    void Promise.resolve(room.registry.get('acme').acquire()).catch(() => undefined);
    await until(() => room.endpoint.calls.length === 1);
    let closed = false;
    const closing = room.registry.close().then(() => {
      closed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closed).toBe(false);
    release();
    await closing;
    expect((await room.stored()).refresh_token).toBe('r1');
  });

  it('does not wait for a repetition that is not due yet', async () => {
    const room = await open({ script: () => ({ cut: true }) });
    const gone = failure(() => room.registry.get('acme').acquire(), 'token-unavailable');
    await until(() => room.endpoint.calls.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await room.registry.close();
    await gone;
    expect((await room.stored()).intent).toBeDefined();
  });
});

describe('a session that another process changes', () => {
  /** Two registries on one store that both are taken to be shared. */
  async function two() {
    const clock = new ManualClock();
    const store: Store = { ...createMemoryStore(() => clock.wall()), kind: 'sqlite' };
    const first = await open({ store, clock });
    const second = await open({ store, clock });
    const acme = second.registry.get('acme');
    expect(carried(await first.registry.get('acme').acquire())).toBe('t1');
    expect(carried(await acme.acquire())).toBe('t1');
    return { clock, store, first, second, acme, stored: first.stored };
  }

  it('by a login is taken up within seconds of use, though the token at hand is good', async () => {
    const { clock, store, first, acme, second, stored } = await two();
    const { head, seed, token } = await stored();
    const theirs = { ...token, value: 'u1', fields: ['Authorization', 'Bearer u1'] } as Session['token'];
    await store.compareAndSet(key, head, { head: 'login', refresh_token: 'x', seed, token: theirs });
    clock.step(1_000);
    await acme.acquire();
    await passing(second, () => carried(now(acme.acquire())) === 'u1', 5_000);
    expect([first.endpoint.calls.length, second.endpoint.calls.length]).toEqual([1, 0]);
  });

  it('by a revocation is served no more', async () => {
    const { clock, store, acme, second } = await two();
    await store.delete(key);
    clock.step(1_000);
    await acme.acquire();
    await passing(second, () => second.registry.view()[0]?.region === 'NONE', 5_000);
    second.endpoint.script = () => ({ status: 400, json: { error: 'invalid_grant' } });
    const refused = failure(() => acme.acquire(), 'reauthorization-required');
    await passing(second, () => second.log.failures.length === 1);
    await refused;
  });

  it('is not looked at while nobody uses it', async () => {
    const clock = new ManualClock();
    let loads = 0;
    const memory = createMemoryStore(() => clock.wall());
    const load: Store['load'] = (at) => {
      loads++;
      return memory.load(at);
    };
    const { registry } = await open({ store: { ...memory, kind: 'redis', load }, clock });
    await registry.get('acme').acquire();
    await clock.advance(10_000);
    const before = loads;
    await clock.advance(60_000);
    expect(loads).toBe(before);
    await registry.get('acme').acquire();
    await clock.advance(60_000);
    expect(loads).toBe(before + 1);
  });

  it('in a store that cannot be reached stays as it is', async () => {
    const { clock, acme, second, store } = await two();
    Object.assign(store, {
      load: async () => {
        throw new CupbearerError('store-unavailable', 'the store is down');
      },
    });
    clock.step(1_000);
    await acme.acquire();
    await second.clock.advance(10_000);
    expect(carried(now(acme.acquire()))).toBe('t1');
  });
});

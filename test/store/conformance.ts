import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session, SessionKey } from '../../src/store/session.ts';
import type { Store } from '../../src/store/store.ts';
import { failureOf, fullSession, smallSession } from './sessions.ts';
import { modelOf } from './store-model.ts';

/** An empty store, and another way into the same one. */
export interface StoreSetting {
  readonly store: Store;
  /** The same sessions as another process would reach them; the store itself when nobody else can. */
  readonly other: Store;
  /** Lets time go by for leases. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

const acme: SessionKey = { credential: 'acme' };

/** Keys that a careless name would mix up. */
const lookalikes: readonly SessionKey[] = [
  { credential: 'a' },
  { credential: 'a', tenant: '' },
  { credential: 'a', tenant: 'b' },
  { credential: 'a:b' },
  { credential: 'a:', tenant: 'b' },
  { credential: 'a', tenant: ':b' },
  { credential: 'a%3Ab' },
  { credential: 'a', tenant: 'undefined' },
  { credential: 'A', tenant: 'b' },
  { credential: '' },
  { credential: '', tenant: '' },
  { credential: '*' },
  { credential: 'ü', tenant: '日本 🗝' },
  { credential: 'u\u0308' },
  { credential: 'nul\0', tenant: '\r\n' },
  { credential: '\ud800', tenant: '\udfff' },
  { credential: '\ufffd', tenant: '%uD800' },
  { credential: '__proto__', tenant: 'constructor' },
];

/** What holds for every store. `open` is called for each test. */
export function storeConformance(open: () => Promise<StoreSetting>): void {
  describe('does what every store does:', () => conformance(open));
}

function conformance(open: () => Promise<StoreSetting>): void {
  let setting: StoreSetting;
  let store: Store;
  let other: Store;

  beforeEach(async () => {
    setting = await open();
    ({ store, other } = setting);
  });
  afterEach(() => setting.close());

  const put = async (key: SessionKey, session: Session, head?: string) =>
    expect(await store.compareAndSet(key, head, session)).toBe(true);

  describe('a session', () => {
    it('is not there before it was written', async () => {
      expect(await store.load(acme)).toBeUndefined();
      expect(await store.list()).toEqual([]);
    });

    it('comes back as it was written, through every way in', async () => {
      await put(acme, fullSession('h1'));
      expect(await store.load(acme)).toEqual(fullSession('h1'));
      expect(await other.load(acme)).toEqual(fullSession('h1'));
    });

    it('keeps text that is hard to carry', async () => {
      const login = { __proto__x: '\0\u2028"\\', 'nön ascii 🗝': '\ud800', empty: '' };
      await put(acme, fullSession('h1', { login }));
      expect((await other.load(acme))?.login).toEqual(login);
    });

    it('may be large', async () => {
      const session = fullSession('h1', { refresh_token: 'é'.repeat(32 * 1024) });
      await put(acme, session);
      expect(await other.load(acme)).toEqual(session);
      await put(acme, smallSession('h2'), 'h1');
      expect(await other.load(acme)).toEqual(smallSession('h2'));
    });

    it('keeps members that this version does not know', async () => {
      const later = { ...smallSession('h1'), dpop: { jkt: 'x' } };
      await put(acme, later);
      const loaded = await store.load(acme);
      await put(acme, { ...(loaded as Session), spent: 'invalid_grant' }, 'h1');
      expect(await store.load(acme)).toEqual({ ...later, spent: 'invalid_grant' });
    });

    it('is a copy: what a caller does to it afterwards changes nothing', async () => {
      const mine = { ...fullSession('h1'), login: { code: 'before' } };
      const writing = store.compareAndSet(acme, undefined, mine);
      mine.login.code = 'after';
      await writing;
      const loaded = (await store.load(acme)) as typeof mine;
      expect(loaded.login.code).toBe('before');
      loaded.login.code = 'after';
      expect((await store.load(acme))?.login).toEqual({ code: 'before' });
    });

    it.each([
      ['token.lifetimeMs', { token: { ...fullSession('x').token, lifetimeMs: Number.POSITIVE_INFINITY } }],
      ['refresh_token', { refresh_token: undefined }],
      ['token.fields[1]', { token: { ...fullSession('x').token, fields: ['a', 1] } }],
    ])('that could not be read again for its %s is not written', async (member, changes) => {
      await put(acme, smallSession('h1'));
      const broken = { ...fullSession('h2'), ...changes } as Session;
      const { message } = await failureOf(() => store.compareAndSet(acme, 'h1', broken), 'internal');
      expect(message).toContain(member);
      expect(await store.load(acme)).toEqual(smallSession('h1'));
    });
  });

  describe('compare-and-set', () => {
    it('inserts only where nothing is', async () => {
      await put(acme, smallSession('h1'));
      expect(await other.compareAndSet(acme, undefined, smallSession('h2'))).toBe(false);
      expect(await store.load(acme)).toEqual(smallSession('h1'));
    });

    it('replaces only the head it names', async () => {
      expect(await store.compareAndSet(acme, 'h1', smallSession('h2'))).toBe(false);
      expect(await store.load(acme)).toBeUndefined();
      await put(acme, smallSession('h1'));
      expect(await other.compareAndSet(acme, 'h0', smallSession('h2'))).toBe(false);
      expect(await other.compareAndSet(acme, '', smallSession('h2'))).toBe(false);
      expect(await other.compareAndSet(acme, 'h1', smallSession('h2'))).toBe(true);
      expect(await store.compareAndSet(acme, 'h1', smallSession('h3'))).toBe(false);
      expect(await store.load(acme)).toEqual(smallSession('h2'));
    });

    it('may rewrite a session under the same head', async () => {
      await put(acme, smallSession('h1', 'first'));
      await put(acme, smallSession('h1', 'second'), 'h1');
      expect(await other.load(acme)).toEqual(smallSession('h1', 'second'));
    });

    it('lets exactly one of 50 at once replace a head', async () => {
      await put(acme, smallSession('h'));
      const done = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          (i % 2 ? store : other).compareAndSet(acme, 'h', smallSession(`h-${i}`)),
        ),
      );
      expect(done.filter(Boolean).length).toBe(1);
      expect((await store.load(acme))?.head).toBe(`h-${done.indexOf(true)}`);
    });

    it('lets exactly one of 50 at once insert', async () => {
      const done = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          (i % 2 ? store : other).compareAndSet(acme, undefined, smallSession(`h-${i}`)),
        ),
      );
      expect(done.filter(Boolean).length).toBe(1);
      expect((await store.load(acme))?.head).toBe(`h-${done.indexOf(true)}`);
    });

    it('lets all of 20 at once rewrite the same head, one after the other', async () => {
      await put(acme, smallSession('h', 'none'));
      const done = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 ? store : other).compareAndSet(acme, 'h', smallSession('h', `${i}`)),
        ),
      );
      expect(done).toEqual(Array(20).fill(true));
      expect((await store.load(acme))?.refresh_token).toMatch(/^\d+$/);
    });
  });

  describe('keys', () => {
    it('that look alike are different sessions', async () => {
      for (const [i, key] of lookalikes.entries()) await put(key, smallSession(`h${i}`, `r${i}`));
      for (const [i, key] of lookalikes.entries()) {
        expect(await other.load(key)).toEqual(smallSession(`h${i}`, `r${i}`));
      }
      await store.delete(lookalikes[2]!);
      expect(await other.load(lookalikes[2]!)).toBeUndefined();
      expect((await other.list()).length).toBe(lookalikes.length - 1);
    });

    it('are listed as they were given', async () => {
      for (const key of lookalikes) await put(key, smallSession('h'));
      const listed = await other.list();
      expect(listed.length).toBe(lookalikes.length);
      expect(listed).toEqual(expect.arrayContaining([...lookalikes]));
    });

    it('that look alike have leases of their own', async () => {
      for (const [i, key] of lookalikes.entries())
        expect(await store.lease(key, `o${i}`, 60_000)).toBe(`o${i}`);
      for (const [i, key] of lookalikes.entries()) expect(await other.lease(key, 'x', 60_000)).toBe(`o${i}`);
    });

    it('with an undefined tenant are those without one', async () => {
      await put({ credential: 'acme', tenant: undefined }, smallSession('h'));
      expect(await other.load(acme)).toEqual(smallSession('h'));
      expect(await other.list()).toEqual([acme]);
    });
  });

  describe('delete', () => {
    it('removes the session, and a new one may begin', async () => {
      await put(acme, smallSession('h1'));
      await other.delete(acme);
      expect(await store.load(acme)).toBeUndefined();
      expect(await store.list()).toEqual([]);
      expect(await store.compareAndSet(acme, 'h1', smallSession('h2'))).toBe(false);
      await put(acme, smallSession('h2'));
    });

    it('of what is not there does nothing', async () => {
      await store.delete(acme);
      expect(await store.list()).toEqual([]);
    });
  });

  describe('a lease', () => {
    it('is held against others until its time is over', async () => {
      expect(await store.lease(acme, 'one', 60_000)).toBe('one');
      expect(await other.lease(acme, 'two', 60_000)).toBe('one');
      expect(await store.lease(acme, 'one', 200)).toBe('one');
      await setting.pass(200);
      expect(await other.lease(acme, 'two', 60_000)).toBe('two');
      expect(await store.lease(acme, 'one', 60_000)).toBe('two');
    });

    it('is prolonged by its owner', async () => {
      await store.lease(acme, 'one', 200);
      expect(await other.lease(acme, 'one', 60_000)).toBe('one');
      await setting.pass(200);
      expect(await other.lease(acme, 'two', 60_000)).toBe('one');
    });

    it('is given up by its owner alone', async () => {
      await store.lease(acme, 'one', 60_000);
      await other.release(acme, 'two');
      expect(await other.lease(acme, 'two', 60_000)).toBe('one');
      await other.release(acme, 'one');
      expect(await other.lease(acme, 'two', 60_000)).toBe('two');
    });

    it('that is over is not given up for the next holder', async () => {
      await store.lease(acme, 'one', 200);
      await setting.pass(200);
      await other.lease(acme, 'two', 60_000);
      await store.release(acme, 'one');
      expect(await store.lease(acme, 'one', 60_000)).toBe('two');
    });

    it('goes to exactly one of 50 at once', async () => {
      const holders = await Promise.all(
        Array.from({ length: 50 }, (_, i) => (i % 2 ? store : other).lease(acme, `o${i}`, 60_000)),
      );
      expect(new Set(holders).size).toBe(1);
    });

    it('neither needs a session nor makes one', async () => {
      await store.lease(acme, 'one', 60_000);
      expect(await store.load(acme)).toBeUndefined();
      expect(await store.list()).toEqual([]);
      await put(acme, smallSession('h'));
      await store.release(acme, 'one');
      expect(await store.load(acme)).toEqual(smallSession('h'));
    });

    it('never given up before is given up without harm', async () => {
      await store.release(acme, 'one');
      expect(await store.lease(acme, 'two', 60_000)).toBe('two');
    });
  });

  it('does what a plain map does, whatever the order of calls', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(modelOf.calls, async (calls) => {
        run++;
        await modelOf.check(calls, store, other, `run-${run}-`);
      }),
      { numRuns: 40 },
    );
  });
}

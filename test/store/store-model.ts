import fc from 'fast-check';
import { expect } from 'vitest';
import type { Session, SessionKey } from '../../src/store/session.ts';
import type { Store } from '../../src/store/store.ts';
import { smallSession } from './sessions.ts';

const key = fc.record({
  credential: fc.constantFrom('a', 'b', 'a:b'),
  tenant: fc.constantFrom(undefined, '', 'b'),
});
const head = fc.constantFrom('h1', 'h2', 'h3');
const owner = fc.constantFrom('one', 'two', 'three');

const call = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('load' as const), key }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('compareAndSet' as const),
      key,
      head: fc.option(head, { nil: undefined }),
      next: head,
      text: fc.string({ maxLength: 20, unit: 'binary' }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('list' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('lease' as const), key, owner }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), key, owner }) },
);

type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

/** A store as two maps, without time: its leases outlast the test. */
export const modelOf = {
  calls: fc.array(fc.tuple(call, fc.boolean()), { minLength: 1, maxLength: 25 }),

  /** Makes every call on the one or the other way into a store and on the model; the answers have to be the same. */
  async check(
    calls: readonly (readonly [Call, boolean])[],
    store: Store,
    other: Store,
    prefix: string,
  ): Promise<void> {
    const model = createModel();
    const own = (found: SessionKey[]) => found.filter(({ credential }) => credential.startsWith(prefix));
    for (const [one, first] of calls) {
      const target = first ? store : other;
      const at = 'key' in one ? { ...one.key, credential: prefix + one.key.credential } : { credential: '' };
      switch (one.do) {
        case 'load':
          expect(await target.load(at)).toEqual(model.load(at));
          break;
        case 'compareAndSet': {
          const next = smallSession(one.next, one.text);
          expect(await target.compareAndSet(at, one.head, next)).toBe(
            model.compareAndSet(at, one.head, next),
          );
          break;
        }
        case 'delete':
          await target.delete(at);
          model.delete(at);
          break;
        case 'list':
          expect(
            own(await target.list())
              .map(label)
              .sort(),
          ).toEqual(model.list());
          break;
        case 'lease':
          expect(await target.lease(at, one.owner, 600_000)).toBe(model.lease(at, one.owner));
          break;
        case 'release':
          await target.release(at, one.owner);
          model.release(at, one.owner);
          break;
      }
    }
  },
};

function createModel() {
  const sessions = new Map<string, Session>();
  const leases = new Map<string, string>();
  return {
    load: (at: SessionKey) => sessions.get(label(at)),
    compareAndSet(at: SessionKey, expected: string | undefined, next: Session) {
      if (sessions.get(label(at))?.head !== expected) return false;
      sessions.set(label(at), next);
      return true;
    },
    delete: (at: SessionKey) => sessions.delete(label(at)),
    list: () => [...sessions.keys()].sort(),
    lease(at: SessionKey, by: string) {
      const holder = leases.get(label(at)) ?? by;
      leases.set(label(at), holder);
      return holder;
    },
    release(at: SessionKey, by: string) {
      if (leases.get(label(at)) === by) leases.delete(label(at));
    },
  };
}

function label({ credential, tenant }: SessionKey): string {
  return JSON.stringify([credential, tenant]);
}

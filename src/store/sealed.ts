import { CupbearerError } from '../errors.ts';
import { keyOf, nameOf } from './name.ts';
import type { Backend, NamedRow } from './record.ts';
import type { Sealer } from './seal.ts';
import type { SessionKey } from './session.ts';
import type { Store } from './store.ts';

/** A store whose sessions lie sealed in the backend. */
export function createSealedStore(backend: Backend, sealer: Sealer): Store {
  return {
    kind: backend.kind,
    async load(key) {
      const row = await backend.read(nameOf(key));
      return row && sealer.open(key, row);
    },
    lease: (key, owner, ttlMs) => backend.lease(nameOf(key), owner, ttlMs),
    release: (key, owner) => backend.release(nameOf(key), owner),
    async compareAndSet(key, head, session) {
      const name = nameOf(key);
      const next = sealer.seal(key, session);
      for (;;) {
        const row = await backend.read(name);
        // Opened, although its head is in clear: what cannot be read must not be overwritten.
        const stored = row && sealer.open(key, row);
        if (stored?.head !== head) return false;
        if (await backend.swap(name, row, next)) return true;
      }
    },
    delete: (key) => backend.remove(nameOf(key)),
    list: async () => (await backend.names()).map(keyNamed),
    close: () => backend.close(),
  };
}

/**
 * Makes sure that the keys fit the store: one of its rows opens, or there is none. Throws CupbearerError
 * `store-unreadable` about the first row otherwise.
 */
export function verifyKeys(rows: Iterable<NamedRow>, sealer: Sealer): void {
  let first: unknown;
  for (const { name, row } of rows) {
    try {
      sealer.open(keyNamed(name), row);
      return;
    } catch (error) {
      first ??= error;
    }
  }
  if (first !== undefined) throw first;
}

function keyNamed(name: string): SessionKey {
  const key = keyOf(name);
  if (key !== undefined) return key;
  throw new CupbearerError(
    'store-unreadable',
    `the store holds a record named ${JSON.stringify(name)} that Cupbearer did not write; give Cupbearer a store of its own`,
  );
}

import { holds, type Lease } from './lease.ts';
import { keyOf, nameOf } from './name.ts';
import type { Session } from './session.ts';
import { sessionToJson } from './session-json.ts';
import type { Store } from './store.ts';

interface Entry {
  readonly head: string;
  readonly json: string;
}

/** Sessions that end with the process. `now` gives milliseconds since the Unix epoch. */
export function createMemoryStore(now: () => number): Store {
  const sessions = new Map<string, Entry>();
  const leases = new Map<string, Lease>();
  return {
    kind: 'memory',
    async load(key) {
      const entry = sessions.get(nameOf(key));
      return entry && (JSON.parse(entry.json) as Session);
    },
    async lease(key, owner, ttlMs) {
      const name = nameOf(key);
      const lease = leases.get(name);
      if (lease && lease.owner !== owner && holds(lease, now())) return lease.owner;
      leases.set(name, { owner, untilWall: now() + ttlMs, ttlMs });
      return owner;
    },
    async release(key, owner) {
      const name = nameOf(key);
      if (leases.get(name)?.owner === owner) leases.delete(name);
    },
    async compareAndSet(key, head, session) {
      const name = nameOf(key);
      const json = sessionToJson(session);
      if (sessions.get(name)?.head !== head) return false;
      sessions.set(name, { head: session.head, json });
      return true;
    },
    async delete(key) {
      sessions.delete(nameOf(key));
    },
    async list() {
      return [...sessions.keys()].flatMap((name) => keyOf(name) ?? []);
    },
    async close() {},
  };
}

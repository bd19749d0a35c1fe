import { CupbearerError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Tally } from '../telemetry/tally.ts';
import type { Clock } from '../token/clock.ts';

/** What is counted of operations on a store. No label says which session it was. */
export type StoreCounts = Tally<'operation' | 'outcome'>;

/** A store whose operations are counted, with how long each took; nothing else about it differs. */
export function countedStore(store: Store, counts: StoreCounts, clock: Pick<Clock, 'mono'>): Store {
  /** `isConflict`: whether the answer says that another was first. */
  async function timed<T>(
    operation: string,
    work: () => Promise<T>,
    isConflict: (answer: T) => boolean = () => false,
  ): Promise<T> {
    const start = clock.mono();
    const add = (outcome: string) => counts.add({ operation, outcome }, clock.mono() - start);
    try {
      const answer = await work();
      add(isConflict(answer) ? 'conflict' : 'ok');
      return answer;
    } catch (error) {
      add(failureOf(error));
      throw error;
    }
  }
  return {
    kind: store.kind,
    load: (key) => timed('load', () => store.load(key)),
    lease: (key, owner, ttlMs) =>
      timed(
        'lease',
        () => store.lease(key, owner, ttlMs),
        (holder) => holder !== owner,
      ),
    release: (key, owner) => timed('release', () => store.release(key, owner)),
    compareAndSet: (key, head, session) =>
      timed(
        'compare_and_set',
        () => store.compareAndSet(key, head, session),
        (isWritten) => !isWritten,
      ),
    delete: (key) => timed('delete', () => store.delete(key)),
    list: () => timed('list', () => store.list()),
    close: () => store.close(),
  };
}

function failureOf(error: unknown): string {
  const code = error instanceof CupbearerError ? error.code : undefined;
  if (code === 'store-unavailable') return 'unavailable';
  return code === 'store-unreadable' ? 'unreadable' : 'error';
}

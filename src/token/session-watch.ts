import type { Clock } from './clock.ts';
import type { Credential } from './credential.ts';
import { every } from './every.ts';

const everyMs = 2_000;

/**
 * Looks every 2 s whether the sessions of tokens that were used meanwhile are still those in the store: a login or a
 * revocation by another process takes effect here too. Gives its end.
 */
export function watchSessions(clock: Clock, instances: () => Iterable<Credential>): () => void {
  return every(clock, everyMs, () => {
    for (const one of instances()) void one.verify();
  });
}

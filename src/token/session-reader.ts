import type { CredentialConfig } from '../config/schema.ts';
import type { Session } from '../store/session.ts';
import type { Clock } from './clock.ts';
import { type Endpoint, readStored } from './endpoint.ts';
import type { Granted, GrantOutcome, Wanted } from './grant.ts';
import { noRefreshToken, noSession, spentBefore } from './session-failure.ts';
import { isSuperseded, revokedMark, seeded, seedOf, storedGrant, withToken } from './session-record.ts';
import { hashOf } from './token.ts';

export interface SessionReaderInit {
  readonly config: CredentialConfig;
  readonly clock: Clock;
  readonly endpoint: Endpoint;
}

/** What a stored session means for a credential as it is configured now. */
export class SessionReader {
  readonly #init: SessionReaderInit;

  constructor(init: SessionReaderInit) {
    this.#init = init;
  }

  /** The session in force: the stored one, unless the configuration starts another. */
  current(stored: Session | undefined): Session | undefined {
    const seed = this.#init.config.refresh_token?.reveal();
    if (stored !== undefined && !isSuperseded(stored, seedOf(seed))) return stored;
    return seed === undefined ? undefined : seeded(seed, stored);
  }

  /** What it gives without asking anybody: its token, or that there is nothing to ask with. Else undefined. */
  settle(stored: Session | undefined, wanted: Wanted): GrantOutcome | undefined {
    const session = this.current(stored);
    if (session === undefined) return { failure: noSession };
    const granted = this.#tokenOf(session);
    if (granted !== undefined && !wanted.unwanted(hashOf(granted.value))) return { granted };
    if (session.spent !== undefined) return { failure: spentBefore(session.spent) };
    return session.refresh_token === '' ? { failure: noRefreshToken } : undefined;
  }

  /** SHA-256 of its token; `gone` when there is no session any more, undefined when it has no token now. */
  hash(stored: Session | undefined): string | 'gone' | undefined {
    if (stored === undefined || stored.spent === revokedMark) return 'gone';
    const session = this.current(stored);
    const granted = session && this.#tokenOf(session);
    return granted && hashOf(granted.value);
  }

  /** Also out of an answer that nobody has read yet. */
  #tokenOf(session: Session): Granted | undefined {
    const { clock, endpoint } = this.#init;
    const { raw } = session;
    if (raw === undefined) return storedGrant(session, clock);
    const read = readStored(endpoint, raw);
    return 'granted' in read ? storedGrant(withToken(session, read.granted, raw.t0Wall), clock) : undefined;
  }
}

import type { Session, SessionKey } from './session.ts';

/**
 * Where sessions live. Every method may reject with CupbearerError: `store-unavailable` when the store cannot be
 * reached or written now, `store-unreadable` when what it holds cannot be read (wrong key, altered, a newer version).
 * Nothing unreadable is ever overwritten.
 */
export interface Store {
  readonly kind: 'memory' | 'sqlite' | 'redis';
  load(key: SessionKey): Promise<Session | undefined>;
  /**
   * Takes the lease of a session for `ttlMs`, or prolongs it. Gives who holds it now: `owner` itself, or another whose
   * lease is not over.
   */
  lease(key: SessionKey, owner: string, ttlMs: number): Promise<string>;
  /** Gives up the lease if `owner` still holds it. */
  release(key: SessionKey, owner: string): Promise<void>;
  /**
   * Writes the session if the stored one has this head; undefined: if there is none. False: it has another. When it
   * resolves the session is as durable as the store makes it; when it rejects with `store-unavailable` it may have
   * been written or not.
   */
  compareAndSet(key: SessionKey, head: string | undefined, session: Session): Promise<boolean>;
  /** Removes the session; nothing happens when there is none. */
  delete(key: SessionKey): Promise<void>;
  /** Every session there is, by credential and tenant. */
  list(): Promise<SessionKey[]>;
  close(): Promise<void>;
}

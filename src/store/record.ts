/** A session as a backend holds it. Nothing in it is secret. */
export interface Row {
  /** The session's head, in clear. */
  readonly head: string;
  readonly sealed: Uint8Array;
}

export interface NamedRow {
  readonly name: string;
  readonly row: Row;
}

/**
 * Where sealed rows lie, by name (name.ts). It knows nothing of what they hold. Every method may reject with
 * CupbearerError `store-unavailable` or `store-unreadable`.
 */
export interface Backend {
  readonly kind: 'sqlite' | 'redis';
  read(name: string): Promise<Row | undefined>;
  /** Puts `next` where exactly `was` is, or where nothing is. False: something else is there. */
  swap(name: string, was: Row | undefined, next: Row): Promise<boolean>;
  remove(name: string): Promise<void>;
  names(): Promise<string[]>;
  /** As Store.lease and Store.release, by name. */
  lease(name: string, owner: string, ttlMs: number): Promise<string>;
  release(name: string, owner: string): Promise<void>;
  close(): Promise<void>;
}

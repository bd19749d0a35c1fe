import { hash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import { singleField } from './fields.ts';
import type { RequestHead } from './guard.ts';
import { countWrongKeys, type WrongKeys } from './wrong-keys.ts';

/** The request fields a caller may present its key in; none of them is ever forwarded when callers are configured. */
export const callerFields: readonly string[] = ['x-api-key', 'proxy-authorization', 'authorization'];

/** The other end of a connection; its address is asked for only when a key is wrong. */
export interface Peer {
  readonly remoteAddress?: string | undefined;
}

/** Says who calls; undefined when no callers are configured. */
export interface Callers {
  /**
   * Throws CupbearerError `caller-unknown` 401, the same for a missing and a wrong key; `too-many-attempts` 429 in its
   * place for a peer that has had too many. A right key always passes.
   */
  identify(head: RequestHead, peer: Peer): string | undefined;
  /** Throws CupbearerError `caller-not-allowed` 403. */
  admit(caller: string | undefined, prefix: string, routeCallers: readonly string[] | undefined): void;
  /** Goes by the keys as they are now: some have been read again. */
  reload(): void;
  /** Goes by other callers from now on. Who has tried too many keys is still known. */
  adopt(callers: Config['callers']): void;
}

interface Entry {
  readonly name: string;
  readonly digest: Buffer;
}

const nothing = Buffer.alloc(0);

/**
 * Keys are kept and compared as SHA-256 digests, all of them each time, in constant time. `now` gives ms that never go
 * back.
 */
export function createCallers(callers: Config['callers'], now: () => number): Callers {
  let known = callers;
  let entries = entriesOf(callers);
  const wrongKeys = countWrongKeys(now);
  return {
    reload() {
      entries = entriesOf(known);
    },
    adopt(others) {
      known = others;
      entries = entriesOf(others);
    },
    identify(head, peer) {
      if (entries.length === 0) return undefined;
      const presented = presentedKey(head);
      const digest = sha256(presented ?? nothing);
      let found: string | undefined;
      for (const entry of entries) {
        if (timingSafeEqual(entry.digest, digest)) found = entry.name;
      }
      if (presented === undefined || found === undefined) refuse(wrongKeys, peer);
      return found;
    },
    admit(caller, prefix, routeCallers) {
      if (caller === undefined) return;
      const own = known[caller]?.routes;
      if (own !== undefined && !own.includes(prefix)) notAllowed(caller, prefix);
      if (routeCallers !== undefined && !routeCallers.includes(caller)) notAllowed(caller, prefix);
    },
  };
}

function entriesOf(callers: Config['callers']): readonly Entry[] {
  return Object.entries(callers).flatMap(([name, { key }]) =>
    [key].flat().map((secret) => ({ name, digest: sha256(Buffer.from(secret.reveal())) })),
  );
}

function refuse(wrongKeys: WrongKeys, { remoteAddress }: Peer): never {
  const retryAfterMs = wrongKeys.refused(remoteAddress);
  if (retryAfterMs > 0) {
    throw new CupbearerError(
      'too-many-attempts',
      'too many requests without a right key came from this address; a right key is still accepted',
      { retryAfterMs },
    );
  }
  throw new CupbearerError(
    'caller-unknown',
    'present a caller key in X-Api-Key, Proxy-Authorization or as the password of Basic Authorization',
  );
}

function notAllowed(caller: string, prefix: string): never {
  throw new CupbearerError('caller-not-allowed', `caller ${caller} may not use route ${prefix}`);
}

/** The bytes of the one key a request presents; undefined when it has none, or more than one field to take it from. */
function presentedKey(head: RequestHead): Buffer | undefined {
  const plain = singleField(head, 'x-api-key');
  const proxy = singleField(head, 'proxy-authorization');
  if (plain === null || proxy === null || (plain !== undefined && proxy !== undefined)) return undefined;
  if (plain !== undefined) return Buffer.from(plain, 'latin1');
  if (proxy !== undefined) return bearerKey(proxy) ?? basicKey(proxy);
  const own = singleField(head, 'authorization');
  return own === undefined || own === null ? undefined : basicKey(own);
}

/** RFC 6750 §2.1. */
function bearerKey(value: string): Buffer | undefined {
  const [, key] = /^Bearer +(\S+)$/i.exec(value) ?? [];
  return key === undefined ? undefined : Buffer.from(key, 'latin1');
}

/** The password (RFC 7617 §2); any user name will do. */
function basicKey(value: string): Buffer | undefined {
  const [, pair] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value) ?? [];
  if (pair === undefined) return undefined;
  const bytes = Buffer.from(pair, 'base64');
  const colon = bytes.indexOf(0x3a);
  return colon === -1 ? undefined : bytes.subarray(colon + 1);
}

function sha256(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}

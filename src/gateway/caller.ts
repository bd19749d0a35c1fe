import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import { singleField } from './fields.ts';
import type { RequestHead } from './guard.ts';

/** The request fields a caller may present its key in; none of them is ever forwarded when callers are configured. */
export const callerFields: readonly string[] = ['x-api-key', 'proxy-authorization'];

/** Says who calls; undefined when no callers are configured. */
export interface Callers {
  /** Throws CupbearerError `caller-unknown` 401; the same for a missing and a wrong key. */
  identify(head: RequestHead): string | undefined;
  /** Throws CupbearerError `caller-not-allowed` 403. */
  admit(caller: string | undefined, prefix: string, routeCallers: readonly string[] | undefined): void;
  /** Goes by the keys as they are now: some have been read again. */
  reload(): void;
}

interface Entry {
  readonly name: string;
  readonly digest: Buffer;
}

/** Keys are kept and compared as SHA-256 digests, all of them each time, in constant time. */
export function createCallers(callers: Config['callers']): Callers {
  let entries = entriesOf(callers);
  return {
    reload() {
      entries = entriesOf(callers);
    },
    identify(head) {
      if (entries.length === 0) return undefined;
      const presented = presentedKey(head);
      const digest = sha256(presented ?? '');
      let found: string | undefined;
      for (const entry of entries) {
        if (timingSafeEqual(entry.digest, digest)) found = entry.name;
      }
      if (presented === undefined || found === undefined) {
        throw new CupbearerError(
          'caller-unknown',
          'present a caller key in X-Api-Key or Proxy-Authorization',
        );
      }
      return found;
    },
    admit(caller, prefix, routeCallers) {
      if (caller === undefined) return;
      const own = callers[caller]?.routes;
      if (own !== undefined && !own.includes(prefix)) notAllowed(caller, prefix);
      if (routeCallers !== undefined && !routeCallers.includes(caller)) notAllowed(caller, prefix);
    },
  };
}

function entriesOf(callers: Config['callers']): readonly Entry[] {
  return Object.entries(callers).flatMap(([name, { key }]) =>
    [key].flat().map((secret) => ({ name, digest: sha256(secret.reveal()) })),
  );
}

function notAllowed(caller: string, prefix: string): never {
  throw new CupbearerError('caller-not-allowed', `caller ${caller} may not use route ${prefix}`);
}

function presentedKey(head: RequestHead): string | undefined {
  const plain = singleField(head, 'x-api-key');
  const proxy = singleField(head, 'proxy-authorization');
  if (plain === null || proxy === null || (plain !== undefined && proxy !== undefined)) return undefined;
  if (plain !== undefined) return plain;
  const [, scheme = '', value = ''] = /^(\S+) +(\S+)$/.exec(proxy ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

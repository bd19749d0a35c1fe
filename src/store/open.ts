import type { StoreConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import { createMemoryStore } from './memory.ts';
import { createSealer, type Sealer } from './seal.ts';
import { createSealedStore, verifyKeys } from './sealed.ts';
import type { Store } from './store.ts';

/**
 * Opens the configured store. `now` gives milliseconds since the Unix epoch.
 *
 * A SQLite file is made when there is none, and looked at before it is used: rejects with CupbearerError
 * `store-unreadable` when it must not or cannot be read, `store-unavailable` when it cannot be reached.
 * A Redis that is down does not reject: each method does until it is up. What Redis answers is as durable as its
 * `appendonly` and `appendfsync` settings make it.
 * Rejects with `configuration-invalid` when one of these has no key.
 */
export async function openStore(config: StoreConfig, { now }: { now: () => number }): Promise<Store> {
  const { url } = config;
  if (url.kind === 'memory') return createMemoryStore(now);
  const sealer = sealerFor(config);
  if (url.kind === 'redis') {
    const { openRedis } = await import('./redis.ts');
    return createSealedStore(openRedis(url.url), sealer);
  }
  const { openSqlite } = await import('./sqlite.ts');
  const backend = await openSqlite(url.path, now, (rows) => verifyKeys(rows, sealer));
  return createSealedStore(backend, sealer);
}

function sealerFor({ url, key }: StoreConfig): Sealer {
  const keys = [key ?? []].flat();
  if (keys.length > 0) return createSealer(keys);
  throw new CupbearerError(
    'configuration-invalid',
    `store.key is missing: a ${url.kind} store seals its sessions; make a key with: openssl rand -base64 32`,
  );
}

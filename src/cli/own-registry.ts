import { lstatSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import type { StoreConfig } from '../config/schema.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { systemClock } from '../token/clock.ts';
import { createRegistry, type Registry, type RegistryInit } from '../token/registry.ts';

/** The credentials of a configuration in the hands of a command that ends soon. */
export interface OwnRegistry {
  readonly registry: Registry;
  readonly store: Store;
  /** Waits for what must not be cut, then closes both. */
  close(): Promise<void>;
}

/** What a registry may be given; `store` in the place of the configured one. */
export type OwnTools = Partial<Pick<RegistryInit, 'store' | 'http' | 'note' | 'events'>>;

/**
 * Opens the configured store and makes a registry on it, which shares sessions with a running serve as several of those
 * do with each other. Nothing is revoked when it closes. Rejects as `openStore` does.
 */
export async function openOwnRegistry(
  { store: storeConfig, credentials, providers }: Config,
  { store: given, ...more }: OwnTools = {},
): Promise<OwnRegistry> {
  const clock = systemClock;
  const store = given ?? (await openStore(storeConfig, { now: () => clock.wall() }));
  const kept = Object.entries(credentials).map(
    ([name, credential]) => [name, { ...credential, revoke_on_shutdown: false }] as const,
  );
  const config = { providers, credentials: Object.fromEntries(kept) };
  const registry = createRegistry({ config, clock, store, ...more });
  // Timers of the clock do not keep the process alive.
  const awake = setInterval(() => {}, 60_000);
  return {
    registry,
    store,
    async close() {
      await registry.close().finally(() => clearInterval(awake));
    },
  };
}

/** Whether the store is a file that does not exist: to open it would make one, perhaps as a user that serve is not. */
export function isUnmade({ url }: StoreConfig): boolean {
  if (url.kind !== 'sqlite') return false;
  try {
    return lstatSync(url.path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

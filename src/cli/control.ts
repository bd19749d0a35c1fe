import { createAdmin } from '../admin/admin.ts';
import type { Config } from '../config/config.ts';
import { openStore } from '../store/open.ts';
import type { Log } from '../telemetry/log.ts';
import type { Clock } from '../token/clock.ts';
import type { TokenEvents } from '../token/events.ts';
import type { NoteSecret } from '../token/live-secrets.ts';
import { pause } from '../token/pause.ts';
import { createRegistry, type Registry, type RegistryInit } from '../token/registry.ts';
import { createAdminDesk } from './admin-desk.ts';
import type { ControlDeskInit } from './control-desk.ts';
import { type Listener, listen } from './listener.ts';
import { createMeters } from './meters.ts';
import type { Usage } from './proxy.ts';
import { tokenLog } from './token-log.ts';
import { allOf } from './token-tally.ts';

export interface ControlInit extends Pick<ControlDeskInit, 'counts' | 'workers' | 'configStatus'> {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  /** Is told every secret that comes into use, before anything can be logged of it. */
  readonly note?: NoteSecret | undefined;
  /** Is told which token is to be served from now on. */
  readonly changed?: RegistryInit['changed'];
  /** What those that serve hold at this moment; undefined while none does. Absent: that is not told. */
  readonly usage?: () => Promise<Usage | undefined> | Usage | undefined;
  /** Records what becomes of tokens, when traces are exported. */
  readonly traced?: TokenEvents | undefined;
  /** Whether callers can connect; absent: they can whenever we are not draining. */
  readonly serving?: () => boolean;
}

/** All that is there once, however many processes serve: sessions, tokens, the admin listener. */
export interface Control {
  readonly registry: Registry;
  /** Binds the admin listener, unless it is off. Rejects when it cannot. */
  listen(): Promise<void>;
  /** Where the admin listener answers. */
  readonly adminUrl: string | undefined;
  /** What is told and asked here is of this configuration from now on; its credentials are the registry's to adopt. */
  adopt(config: Config): void;
  /** Turns traffic away and starts no renewal that is not needed. */
  drain(): void;
  /** Tells of an error that nobody expected. */
  readonly failed: (error: unknown) => void;
  /** Ends what is in progress, closes the store, then the admin listener. */
  close(): Promise<void>;
}

/** How long a stop waits for logins that are being finished. */
const loginGraceMs = 30_000;

/** Opens the store and makes the credentials of a configuration. Rejects when the store cannot be opened. */
export async function startControl(init: ControlInit): Promise<Control> {
  const { log, clock, note, changed, serving, counts, workers, usage, configStatus, traced } = init;
  let inForce = init.config;
  const config = live(() => inForce);
  const store = await openStore(config.store, { now: () => clock.wall() });
  const meters = createMeters(clock);
  const registry = createRegistry({
    config: inForce,
    clock,
    store: meters.counted(store),
    events: allOf(tokenLog(log, config), meters.events, traced),
    ...(note && { note }),
    ...(changed && { changed }),
  });
  let draining = false;
  const desk = createAdminDesk({
    config,
    registry,
    store,
    clock,
    log,
    counts,
    workers,
    configStatus,
    draining: () => draining,
  });
  const admin = createAdmin({
    waitingFor: () => registry.waitingFor(),
    draining: () => draining,
    ...(serving && { serving }),
    metrics: {
      isAllowedHost: desk.isAllowedHost,
      failed: desk.failed,
      scrape: meters.scraped({
        config: () => inForce,
        registry,
        store,
        counts: counts ?? (() => []),
        usage: usage ?? (() => undefined),
        workers,
        configStatus,
      }),
    },
    guarded: desk,
  });
  let listener: Listener | undefined;
  return {
    registry,
    get adminUrl() {
      return listener?.url;
    },
    async listen() {
      const { admin: address } = config.server;
      if (address !== 'off')
        listener = await listen(address, admin, {
          bounds: config.server,
          tls: undefined,
          clock,
          log,
        });
    },
    adopt(next) {
      inForce = next;
      listener?.adopt(next.server, undefined);
    },
    drain() {
      draining = true;
      registry.drain();
    },
    failed: desk.failed,
    async close() {
      // A code that is being spent can be spent once, and the session it brings needs the store.
      await Promise.race([desk.login.close(), pause(clock, loginGraceMs)]);
      await registry.close();
      await listener?.close(0);
    },
  };
}

/** What a configuration says now, whichever is in force. */
function live(inForce: () => Config): Config {
  return {
    get server() {
      return inForce().server;
    },
    get store() {
      return inForce().store;
    },
    get callers() {
      return inForce().callers;
    },
    get providers() {
      return inForce().providers;
    },
    get credentials() {
      return inForce().credentials;
    },
    get routes() {
      return inForce().routes;
    },
    get sensitive() {
      return inForce().sensitive;
    },
  };
}

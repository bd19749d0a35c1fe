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
import { tokenLog } from './token-log.ts';

export interface ControlInit extends Pick<ControlDeskInit, 'counts' | 'workers'> {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  /** Is told every secret that comes into use, before anything can be logged of it. */
  readonly note?: NoteSecret | undefined;
  /** Is told which token is to be served from now on. */
  readonly changed?: RegistryInit['changed'];
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
  /** Turns traffic away and starts no renewal that is not needed. */
  drain(): void;
  /** Ends what is in progress, closes the store, then the admin listener. */
  close(): Promise<void>;
}

/** How long a stop waits for logins that are being finished. */
const loginGraceMs = 30_000;

/** Opens the store and makes the credentials of a configuration. Rejects when the store cannot be opened. */
export async function startControl(init: ControlInit): Promise<Control> {
  const { config, log, clock, note, changed, serving, counts, workers } = init;
  const store = await openStore(config.store, { now: () => clock.wall() });
  const events: TokenEvents = tokenLog(log);
  const registry = createRegistry({
    config,
    clock,
    store,
    events,
    ...(note && { note }),
    ...(changed && { changed }),
  });
  let draining = false;
  const desk = createAdminDesk({ config, registry, store, clock, log, counts, workers });
  const admin = createAdmin({
    waitingFor: () => registry.waitingFor(),
    draining: () => draining,
    ...(serving && { serving }),
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
    drain() {
      draining = true;
      registry.drain();
    },
    async close() {
      // A code that is being spent can be spent once, and the session it brings needs the store.
      await Promise.race([desk.login.close(), pause(clock, loginGraceMs)]);
      await registry.close();
      await listener?.close(0);
    },
  };
}

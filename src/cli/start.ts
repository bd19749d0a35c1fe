import { createAdmin } from '../admin/admin.ts';
import type { Config } from '../config/config.ts';
import type { Address } from '../config/schema-types.ts';
import { createCallers } from '../gateway/caller.ts';
import { compileRoutes } from '../gateway/compile.ts';
import { createEdge } from '../gateway/edge.ts';
import { allowedHosts } from '../gateway/guard.ts';
import { createReplayBudget } from '../gateway/replay-budget.ts';
import { createUpstreams } from '../gateway/upstreams.ts';
import { Watch } from '../gateway/watch.ts';
import { openStore } from '../store/open.ts';
import type { Log } from '../telemetry/log.ts';
import { type Clock, systemClock } from '../token/clock.ts';
import { pause } from '../token/pause.ts';
import { createRegistry, type Registry } from '../token/registry.ts';
import { createAdminDesk } from './admin-desk.ts';
import { watchCallerKeys } from './caller-keys.ts';
import { exchangeLine } from './exchange-line.ts';
import { type Listener, listen } from './listener.ts';
import { tokenLog } from './token-log.ts';

/** A running Cupbearer. */
export interface Running {
  /** Where callers connect: `http://host:port` or `unix:/path`. */
  readonly url: string;
  readonly adminUrl: string | undefined;
  readonly registry: Registry;
  /** Reads every secret again now, those of credentials and the keys of callers. */
  rereadSecrets(): void;
  /** Stops accepting, drains within server.shutdown_grace, closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly log: Log;
  readonly clock?: Clock;
}

/** How long a stop waits for logins that are being finished. */
const loginGraceMs = 30_000;

/**
 * The composition root: everything that serves, made from a validated configuration. Rejects when the store cannot be
 * opened or a listener cannot bind.
 */
export async function start(config: Config, { log, clock = systemClock }: StartOptions): Promise<Running> {
  const store = await openStore(config.store, { now: () => clock.wall() });
  const registry = createRegistry({ config, clock, store, events: tokenLog(log) });
  const upstreams = createUpstreams();
  const callers = createCallers(config.callers);
  const callerKeys = watchCallerKeys({ config, callers, clock, log });
  let draining = false;
  const edge = createEdge({
    table: compileRoutes(config, registry, upstreams),
    hosts: allowedHosts(config.server.hosts),
    callers,
    budget: createReplayBudget(config.server.max_body_buffer),
    watch: new Watch(clock),
    draining: () => draining,
    via: `cupbearer-${clock.random().toString(36).slice(2, 8)}`,
    now: () => clock.mono(),
    onEnd: (exchange) => log.exchange(exchangeLine(exchange, clock.mono())),
  });
  const desk = createAdminDesk({ config, registry, store, clock, log });
  const admin = createAdmin({
    waitingFor: () => registry.waitingFor(),
    draining: () => draining,
    guarded: desk,
  });
  const listeners: Listener[] = [];
  const closeAll = async () => {
    // The clock's timers let the process end; what must still be stored does not.
    const awake = setInterval(() => {}, 60_000);
    draining = true;
    registry.drain();
    callerKeys.close();
    const [proxy, side] = listeners;
    const cut = (await proxy?.close(config.server.shutdown_grace)) ?? 0;
    if (cut > 0) log.warn('the shutdown grace ended; connections were cut', { connections: cut });
    await upstreams.destroy();
    // A code that is being spent can be spent once, and the session it brings needs the store.
    await Promise.race([desk.login.close(), pause(clock, loginGraceMs)]);
    await registry.close();
    await side?.close(0);
    clearInterval(awake);
  };
  try {
    const addresses: Address[] = [config.server.listen];
    if (config.server.admin !== 'off') addresses.push(config.server.admin);
    for (const [i, address] of addresses.entries())
      listeners.push(await listen(address, i === 0 ? edge : admin));
  } catch (error) {
    await closeAll();
    throw error;
  }
  registry.start();
  let stopping: Promise<void> | undefined;
  return {
    url: (listeners[0] as Listener).url,
    adminUrl: listeners[1]?.url,
    registry,
    rereadSecrets() {
      registry.rereadSecrets();
      callerKeys.reread();
    },
    stop() {
      stopping ??= closeAll();
      return stopping;
    },
  };
}

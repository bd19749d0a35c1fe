import { createAdmin } from '../admin/admin.ts';
import type { Config } from '../config/config.ts';
import { isLinkLocal } from '../config/reach.ts';
import type { Address } from '../config/schema-types.ts';
import { createCallers } from '../gateway/caller.ts';
import { compileRoutes } from '../gateway/compile.ts';
import { createEdge } from '../gateway/edge.ts';
import { createGate } from '../gateway/gate.ts';
import { guardPolicy } from '../gateway/guard.ts';
import { createReplayBudget } from '../gateway/replay-budget.ts';
import { createTunnels } from '../gateway/tunnel.ts';
import { createUpstreams } from '../gateway/upstreams.ts';
import { Watch } from '../gateway/watch.ts';
import { openStore } from '../store/open.ts';
import type { Log } from '../telemetry/log.ts';
import { type Clock, systemClock } from '../token/clock.ts';
import type { NoteSecret } from '../token/live-secrets.ts';
import { pause } from '../token/pause.ts';
import { createRegistry, type Registry } from '../token/registry.ts';
import { createAdminDesk } from './admin-desk.ts';
import { watchCallerKeys } from './caller-keys.ts';
import { exchangeLog } from './exchange-log.ts';
import { type Listener, listen } from './listener.ts';
import { openFilesLimit, openFilesNeeded } from './open-files.ts';
import { tokenLog } from './token-log.ts';

/** A running Cupbearer. */
export interface Running {
  /** Where callers connect: `http://host:port`, `https://host:port` or `unix:/path`. */
  readonly url: string;
  readonly adminUrl: string | undefined;
  readonly registry: Registry;
  /** What is held at this moment. */
  usage(): Promise<Usage>;
  /** Reads every secret again now: those of credentials, the keys of callers, the certificate of the listener. */
  rereadSecrets(): void;
  /** Stops accepting, drains within server.shutdown_grace, closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

/** Everything is 0 when nobody calls. */
export interface Usage {
  /** Connections of callers to the proxy listener. */
  readonly connections: number;
  readonly exchanges: number;
  readonly tunnels: number;
  /** Attempts whose time limits are watched. */
  readonly watched: number;
  /** Bytes in replay buffers. */
  readonly buffered: number;
}

export interface StartOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** Is told every secret that comes into use, before anything can be logged of it. */
  readonly note?: NoteSecret;
}

/** How long a stop waits for logins that are being finished. */
const loginGraceMs = 30_000;

/**
 * The composition root: everything that serves, made from a validated configuration. Rejects when the store cannot be
 * opened or a listener cannot bind.
 */
export async function start(config: Config, options: StartOptions): Promise<Running> {
  const { log, clock = systemClock, note } = options;
  const store = await openStore(config.store, { now: () => clock.wall() });
  const registry = createRegistry({ config, clock, store, events: tokenLog(log), ...(note && { note }) });
  const upstreams = createUpstreams(isLinkLocal);
  const callers = createCallers(config.callers, () => clock.mono());
  const callerKeys = watchCallerKeys({ config, callers, clock, log });
  const budget = createReplayBudget(config.server.max_body_buffer);
  const watch = new Watch(clock);
  const gate = createGate(config.server.max_requests, 'exchanges', 'server.max_requests');
  const tunnelGate = createGate(config.server.max_tunnels, 'WebSockets', 'server.max_tunnels');
  const tunnels = createTunnels();
  let draining = false;
  const edge = createEdge({
    table: compileRoutes(config, registry, upstreams),
    policy: guardPolicy(config.server),
    callers,
    budget,
    watch,
    gate,
    tunnelGate,
    tunnels,
    draining: () => draining,
    via: `cupbearer-${clock.random().toString(36).slice(2, 8)}`,
    now: () => clock.mono(),
    bodyTimeout: config.server.body_timeout,
    onEnd: exchangeLog(log, clock),
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
    const bounds = config.server;
    for (const [i, address] of addresses.entries()) {
      const handler = i === 0 ? edge : admin;
      const tls = i === 0 ? config.server.tls : undefined;
      listeners.push(await listen(address, handler, { bounds, tls, clock, log }));
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  registry.start();
  warnOfFewFiles(config.server.max_connections, log);
  let stopping: Promise<void> | undefined;
  return {
    url: (listeners[0] as Listener).url,
    adminUrl: listeners[1]?.url,
    registry,
    usage: async () => ({
      connections: (await listeners[0]?.connections()) ?? 0,
      exchanges: gate.inside,
      tunnels: tunnelGate.inside,
      watched: watch.size,
      buffered: budget.used,
    }),
    rereadSecrets() {
      registry.rereadSecrets();
      callerKeys.reread();
      listeners[0]?.rereadCertificate();
    },
    stop() {
      stopping ??= closeAll();
      return stopping;
    },
  };
}

function warnOfFewFiles(connections: number, log: Log): void {
  const limit = openFilesLimit();
  const needed = openFilesNeeded(connections);
  if (limit === undefined || limit >= needed) return;
  log.warn(
    'the limit of open files is below what server.max_connections may need; raise it (ulimit -n, LimitNOFILE=) or lower server.max_connections',
    { limit, needed },
  );
}

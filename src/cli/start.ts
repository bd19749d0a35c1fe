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
import type { Log } from '../telemetry/log.ts';
import { type Clock, systemClock } from '../token/clock.ts';
import { createRegistry, type Registry } from '../token/registry.ts';
import { exchangeLine } from './exchange-line.ts';
import { type Listener, listen } from './listener.ts';
import { tokenLog } from './token-log.ts';

/** A running Cupbearer. */
export interface Running {
  /** Where callers connect: `http://host:port` or `unix:/path`. */
  readonly url: string;
  readonly adminUrl: string | undefined;
  readonly registry: Registry;
  /** Stops accepting, drains within server.shutdown_grace, closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly log: Log;
  readonly clock?: Clock;
}

/** The composition root: everything that serves, made from a validated configuration. Rejects when a listener cannot bind. */
export async function start(config: Config, { log, clock = systemClock }: StartOptions): Promise<Running> {
  const registry = createRegistry({ config, clock, events: tokenLog(log) });
  const upstreams = createUpstreams();
  let draining = false;
  const edge = createEdge({
    table: compileRoutes(config, registry, upstreams),
    hosts: allowedHosts(config.server.hosts),
    callers: createCallers(config.callers),
    budget: createReplayBudget(config.server.max_body_buffer),
    watch: new Watch(clock),
    draining: () => draining,
    via: `cupbearer-${clock.random().toString(36).slice(2, 8)}`,
    now: () => clock.mono(),
    onEnd: (exchange) => log.exchange(exchangeLine(exchange, clock.mono())),
  });
  const admin = createAdmin({ waitingFor: () => registry.waitingFor(), draining: () => draining });
  const listeners: Listener[] = [];
  const closeAll = async () => {
    draining = true;
    registry.drain();
    const [proxy, side] = listeners;
    const cut = (await proxy?.close(config.server.shutdown_grace)) ?? 0;
    if (cut > 0) log.warn('the shutdown grace ended; connections were cut', { connections: cut });
    await upstreams.destroy();
    await registry.close();
    await side?.close(0);
    log.flush();
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
    stop() {
      stopping ??= closeAll();
      return stopping;
    },
  };
}

import type { Dispatcher } from 'undici';
import type { Config } from '../config/config.ts';
import { isLinkLocal } from '../config/reach.ts';
import type { ServerConfig } from '../config/schema.ts';
import { createCallers } from '../gateway/caller.ts';
import { createCollector } from '../gateway/collector.ts';
import { compileRoutes, type TokenSources } from '../gateway/compile.ts';
import { createEdge, type EdgeRules } from '../gateway/edge.ts';
import { createGate } from '../gateway/gate.ts';
import { guardPolicy } from '../gateway/guard.ts';
import type { Exchange } from '../gateway/record.ts';
import { createReplayBudget } from '../gateway/replay-budget.ts';
import { createTunnels } from '../gateway/tunnel.ts';
import { createUpstreams } from '../gateway/upstreams.ts';
import { Watch } from '../gateway/watch.ts';
import type { Log } from '../telemetry/log.ts';
import type { Clock } from '../token/clock.ts';
import { watchCallerKeys } from './caller-keys.ts';
import { listen } from './listener.ts';
import { openFilesLimit, openFilesNeeded } from './open-files.ts';
import type { Tracing } from './tracing.ts';

export interface ProxyInit {
  readonly config: Config;
  readonly tokens: TokenSources;
  readonly log: Log;
  readonly clock: Clock;
  /** Our pseudonym in Via, the same in every process that shares a listener (RFC 9110 §7.6.3). */
  readonly via: string;
  /** Which traces are recorded, and of whom. */
  readonly tracing?: Pick<Tracing, 'sample' | 'waiting'> | undefined;
  /** Called once for each exchange that is over. */
  readonly onEnd: (exchange: Exchange) => void;
}

/** A bound listener for callers with the data path behind it. */
export interface ProxyServer {
  /** `http://host:port`, `https://host:port` or `unix:/path`. */
  readonly url: string;
  /** What is held at this moment. */
  usage(): Promise<Usage>;
  /** Reads the keys of callers and the certificate of the listener again now. */
  reread(): void;
  /**
   * Makes everything that a configuration needs, with the tokens of its credentials; nothing of it is in force before
   * `adopt`. Throws when a TLS file cannot be read. What needs a restart, see `needsRestart`, is not looked at.
   */
  prepare(config: Config, tokens: TokenSources): NextProxy;
  /** Accepts nothing more, drains within server.shutdown_grace, cuts the rest. */
  stop(): Promise<void>;
}

/** A configuration that may be put in force. */
export interface NextProxy {
  /**
   * Exchanges that begin from now on go by it. Resolves when no exchange goes by an earlier one any more; connections to
   * upstreams that are no longer needed are ended then.
   */
  adopt(): Promise<void>;
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

/** A pseudonym for Via. */
export function viaName(clock: Clock): string {
  return `cupbearer-${clock.random().toString(36).slice(2, 8)}`;
}

/** Serves the routes. Rejects when the listener cannot bind. */
export async function startProxy({
  config,
  tokens,
  log,
  clock,
  via,
  tracing,
  onEnd,
}: ProxyInit): Promise<ProxyServer> {
  let server = shareOf(config.server);
  const upstreams = createUpstreams(isLinkLocal);
  const callers = createCallers(config.callers, () => clock.mono());
  let callerKeys = watchCallerKeys({ config, callers, clock, log });
  const budget = createReplayBudget(server.max_body_buffer);
  const watch = new Watch(clock);
  const gate = createGate(server.max_requests, 'exchanges', 'server.max_requests');
  const tunnelGate = createGate(server.max_tunnels, 'WebSockets', 'server.max_tunnels');
  let draining = false;
  const rulesOf = (to: Config, sources: TokenSources): EdgeRules => ({
    table: compileRoutes(to, sources, upstreams),
    policy: guardPolicy(to.server),
    bodyTimeout: to.server.body_timeout,
  });
  let rules = rulesOf(config, tokens);
  const edge = createEdge({
    ...rules,
    callers,
    budget,
    watch,
    passed: createCollector(),
    gate,
    tunnelGate,
    tunnels: createTunnels(),
    draining: () => draining,
    via,
    now: () => clock.mono(),
    sample: tracing?.sample,
    waiting: tracing?.waiting,
    onEnd,
  });
  const release = async () => {
    draining = true;
    callerKeys.close();
    await upstreams.destroy();
  };
  const listening = listen(server.listen, edge, { bounds: server, tls: server.tls, clock, log });
  const listener = await listening.catch(async (error: unknown) => {
    await release();
    throw error;
  });
  warnOfFewFiles(server.max_connections, log);
  const put = (next: EdgeRules, to: Config): Promise<void> => {
    server = shareOf(to.server);
    gate.max = server.max_requests;
    tunnelGate.max = server.max_tunnels;
    budget.max = server.max_body_buffer;
    callers.adopt(to.callers);
    callerKeys.close();
    callerKeys = watchCallerKeys({ config: to, callers, clock, log });
    listener.adopt(server, server.tls);
    rules = next;
    return edge.adopt(next);
  };
  return {
    url: listener.url,
    usage: async () => ({
      connections: await listener.connections(),
      exchanges: gate.inside,
      tunnels: tunnelGate.inside,
      watched: watch.size,
      buffered: budget.used,
    }),
    reread() {
      callerKeys.reread();
      listener.rereadCertificate();
    },
    prepare(to, sources) {
      const next = rulesOf(to, sources);
      return {
        async adopt() {
          await put(next, to);
          // Others may have been put in force since.
          if (rules === next) await upstreams.closeOthers(poolsOf(next));
        },
      };
    },
    async stop() {
      draining = true;
      callerKeys.close();
      const cut = await listener.close(server.shutdown_grace);
      if (cut > 0)
        log.warn('the shutdown grace ended; connections were cut', {
          connections: cut,
          what_to_do: 'raise server.shutdown_grace when calls take longer',
        });
      await release();
    },
  };
}

function poolsOf({ table }: EdgeRules): ReadonlySet<Dispatcher | undefined> {
  return new Set(table.routes.flatMap(({ pool, tunnelPool }) => [pool, tunnelPool]));
}

/** The bounds of one process, when several share a listener; rounded up. */
function shareOf(server: ServerConfig): ServerConfig {
  const share = (bound: number) => Math.ceil(bound / server.workers);
  return {
    ...server,
    max_connections: share(server.max_connections),
    max_requests: share(server.max_requests),
    max_tunnels: share(server.max_tunnels),
    max_body_buffer: share(server.max_body_buffer),
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

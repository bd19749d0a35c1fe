import type { ConfigStatus } from '../admin/instance-status.ts';
import { isInForce, isSpent, isWell } from '../admin/status.ts';
import type { Config } from '../config/config.ts';
import type { Store } from '../store/store.ts';
import { metricsOf } from '../telemetry/metrics.ts';
import type { CredentialFacts, InstanceFacts } from '../telemetry/metrics-credentials.ts';
import type { ConfigFacts, HeldFacts, WorkerFacts } from '../telemetry/metrics-instance.ts';
import { readProcess } from '../telemetry/metrics-process.ts';
import { type MetricsText, metricsText } from '../telemetry/metrics-text.ts';
import type { RouteCounts } from '../telemetry/route-counts.ts';
import { readTokenCounts, type TokenCounts } from '../telemetry/token-counts.ts';
import type { Clock } from '../token/clock.ts';
import type { Registry } from '../token/registry.ts';
import { type SessionView, viewStore } from '../token/session-view.ts';
import type { CredentialView } from '../token/view.ts';
import type { StoreCounts } from './counted-store.ts';
import { openFilesLimit } from './open-files.ts';
import type { Usage } from './proxy.ts';
import { version } from './version.ts';

export interface MetricsDeskInit {
  /** The one in force. */
  readonly config: () => Config;
  readonly registry: Pick<Registry, 'view'>;
  /** Looked at by each scrape; not the one whose operations are counted. */
  readonly store: Store;
  readonly clock: Clock;
  /** What was counted of each route, by all processes that serve. */
  readonly counts: () => readonly RouteCounts[];
  /** What those hold now; undefined while none serves. */
  readonly usage: () => Promise<Usage | undefined> | Usage | undefined;
  /** Absent: this is the only one. */
  readonly workers?: (() => readonly WorkerFacts[]) | undefined;
  /** What became of the configuration file; absent: nothing is known to have. */
  readonly configStatus?: (() => ConfigStatus | undefined) | undefined;
  readonly tokenCounts: TokenCounts;
  readonly storeCounts: StoreCounts;
}

/** The store's part of the time in which a scrape wants an answer, ms. */
const storeMs = 1_000;

/** Gives what a scrape is answered, by its Accept field. Rejects for nothing but a defect. */
export function createMetricsDesk(
  init: MetricsDeskInit,
): (accept: string | undefined) => Promise<MetricsText> {
  const ownVersion = version();
  const node = process.version.slice(1);
  return async (accept) => {
    const config = init.config();
    const [sessions, usage, ofProcess] = await Promise.all([
      viewStore({ config: withoutTenants(config), store: init.store, clock: init.clock, withinMs: storeMs }),
      init.usage(),
      readProcess(openFilesLimit()),
    ]);
    const metrics = metricsOf({
      version: ownVersion,
      node,
      routes: init.counts(),
      credentials: credentialFacts(config, init.registry.view(), sessions.sessions),
      tokens: readTokenCounts(init.tokenCounts),
      store: {
        kind: sessions.kind,
        isUp: sessions.error === undefined,
        operations: init.storeCounts.read(),
      },
      held: heldFacts(config, usage),
      config: configFacts(init.configStatus?.()),
      workers: init.workers?.(),
      process: ofProcess,
    });
    return metricsText(metrics, accept);
  };
}

/** Sessions of tenants are not looked at: there may be thousands. */
function withoutTenants({ credentials }: Config): Pick<Config, 'credentials'> {
  const all = Object.entries(credentials).filter(([, { tenant }]) => tenant === undefined);
  return { credentials: Object.fromEntries(all) };
}

/** Of every configured credential; one nobody has used yet has one instance, which is well. */
function credentialFacts(
  { credentials }: Config,
  views: readonly CredentialView[],
  sessions: readonly SessionView[],
): CredentialFacts[] {
  const byName = Map.groupBy(views, ({ credential }) => credential);
  const sessionOf = new Map(sessions.map((one) => [one.credential, one]));
  return Object.keys(credentials).map((credential) => {
    const session = sessionOf.get(credential);
    const instances = (byName.get(credential) ?? []).map((view) => instanceFacts(view, session));
    return { credential, instances, loginNeeded: session && needsLogin(session, instances) };
  });
}

function instanceFacts(view: CredentialView, session: SessionView | undefined): InstanceFacts {
  const { region, refresh, lifetimeLeftMs, retryInMs, waiters = 0 } = view;
  return { region, refresh, well: isWell(view, session), lifetimeLeftMs, retryInMs, waiters };
}

/** As for `cupbearer status`: a token in force is served to its end. */
function needsLogin(session: SessionView, instances: readonly InstanceFacts[]): boolean {
  return isSpent(session) && !instances.some(({ region }) => isInForce(region));
}

function heldFacts({ server }: Config, usage: Usage | undefined): HeldFacts {
  return {
    connections: { now: usage?.connections, max: server.max_connections },
    exchanges: { now: usage?.exchanges, max: server.max_requests },
    tunnels: { now: usage?.tunnels, max: server.max_tunnels },
    buffered: { now: usage?.buffered, max: server.max_body_buffer },
  };
}

function configFacts(status: ConfigStatus | undefined): ConfigFacts {
  if (status === undefined) {
    return { loadedAtMs: performance.timeOrigin, reloads: 0, refusals: 0, isRefused: false };
  }
  const { loaded_at, reloads, refusals, refused } = status;
  return { loadedAtMs: Date.parse(loaded_at), reloads, refusals, isRefused: refused !== undefined };
}

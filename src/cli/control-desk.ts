import type { ControlOptions } from '../admin/control.ts';
import type { ConfigStatus, RouteTrends, WorkerFacts } from '../admin/instance-status.ts';
import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { RouteCounts } from '../telemetry/route-counts.ts';
import type { Clock } from '../token/clock.ts';
import { loginFault } from '../token/login-check.ts';
import type { Registry } from '../token/registry.ts';
import { viewStore } from '../token/session-view.ts';
import { routeStatus } from './route-status.ts';
import { version } from './version.ts';

export interface ControlDeskInit {
  readonly config: Config;
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
  /** What was counted of each route until now, by all processes that serve; absent: nothing is told of routes. */
  readonly counts?: (() => readonly RouteCounts[]) | undefined;
  /** Whether it stops; absent: that is not told. */
  readonly draining?: (() => boolean) | undefined;
  /** What became of the configuration file; absent: that is not told. */
  readonly configStatus?: (() => ConfigStatus) | undefined;
  /** Those processes; absent when this is the only one. */
  readonly workers?: (() => readonly WorkerFacts[]) | undefined;
}

/** The store's part of the time in which `cupbearer status` wants an answer. */
const storeMs = 1_000;

/** What an operator may ask of a running Cupbearer, made of its parts. It is as old as what is given here. */
export function createControlDesk(init: ControlDeskInit): ControlOptions {
  const { config, registry, store, clock, counts, draining, workers, configStatus } = init;
  const startedMono = clock.mono();
  const ownVersion = version();
  let trends: (() => RouteTrends) | undefined;
  /** Throws for what is not configured, and for what has no tokens. */
  const check = (credential: string, tenant: string | undefined): void => {
    const known = Object.hasOwn(config.credentials, credential);
    const configured = known ? config.credentials[credential] : undefined;
    if (configured === undefined) {
      throw new CupbearerError('route-not-found', `there is no credential ${JSON.stringify(credential)}`);
    }
    if (configured.tenant === undefined && tenant !== undefined) {
      throw new CupbearerError('malformed-request', `credential ${credential} has no tenants`);
    }
    if (configured.grant_type === 'static') {
      throw new CupbearerError(
        'malformed-request',
        `credential ${credential} is a static key, which nothing here renews or revokes; withdraw it where it was made, and put another into its place`,
      );
    }
  };
  return {
    async status() {
      const { statusReport } = await import('../admin/status.ts');
      const stored = await viewStore({ config, store, clock, withinMs: storeMs });
      return statusReport({
        config,
        version: ownVersion,
        uptimeMs: clock.mono() - startedMono,
        draining: draining?.(),
        canLogIn: (subject) => loginFault(config, { tenant: undefined, ...subject }, 'browser') === undefined,
        views: registry.view(),
        configStatus: configStatus?.(),
        store: stored,
        routes: counts?.().map(routeStatus),
        workers: workers?.(),
      });
    },
    async trends() {
      if (counts === undefined) return undefined;
      const { createRouteTrends } = await import('./route-trends.ts');
      trends ??= createRouteTrends(counts, clock);
      return trends();
    },
    async renew(credential, tenant) {
      check(credential, tenant);
      await registry.renew(credential, tenant);
    },
    async revoke(credential, tenant) {
      check(credential, tenant);
      return registry.revoke(credential, tenant);
    },
  };
}

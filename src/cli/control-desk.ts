import type { ControlOptions } from '../admin/control.ts';
import type { WorkerFacts } from '../admin/instance-status.ts';
import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { RouteCounts } from '../telemetry/route-counts.ts';
import type { Clock } from '../token/clock.ts';
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
  /** Those processes; absent when this is the only one. */
  readonly workers?: (() => readonly WorkerFacts[]) | undefined;
}

/** The store's part of the time in which `cupbearer status` wants an answer. */
const storeMs = 1_000;

/** What an operator may ask of a running Cupbearer, made of its parts. It is as old as what is given here. */
export function createControlDesk(init: ControlDeskInit): ControlOptions {
  const { config, registry, store, clock, counts, workers } = init;
  const startedMono = clock.mono();
  const ownVersion = version();
  return {
    async status() {
      const { statusReport } = await import('../admin/status.ts');
      const stored = await viewStore({ config, store, clock, withinMs: storeMs });
      return statusReport({
        config,
        version: ownVersion,
        uptimeMs: clock.mono() - startedMono,
        views: registry.view(),
        store: stored,
        routes: counts?.().map(routeStatus),
        workers: workers?.(),
      });
    },
    async revoke(credential, tenant) {
      const known = Object.hasOwn(config.credentials, credential);
      const configured = known ? config.credentials[credential] : undefined;
      if (configured === undefined) {
        throw new CupbearerError('route-not-found', `there is no credential ${JSON.stringify(credential)}`);
      }
      if (configured.tenant === undefined && tenant !== undefined) {
        throw new CupbearerError('malformed-request', `credential ${credential} has no tenants`);
      }
      return registry.revoke(credential, tenant);
    },
  };
}

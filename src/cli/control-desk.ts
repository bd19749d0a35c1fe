import type { ControlOptions } from '../admin/control.ts';
import { statusReport } from '../admin/status.ts';
import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../token/clock.ts';
import type { Registry } from '../token/registry.ts';
import { viewStore } from '../token/session-view.ts';
import { version } from './version.ts';

export interface ControlDeskInit {
  readonly config: Config;
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
}

/** The store's part of the time in which `cupbearer status` wants an answer. */
const storeMs = 1_000;

/** What an operator may ask of a running Cupbearer, made of its parts. It is as old as what is given here. */
export function createControlDesk({ config, registry, store, clock }: ControlDeskInit): ControlOptions {
  const startedMono = clock.mono();
  const ownVersion = version();
  return {
    async status() {
      const stored = await viewStore({ config, store, clock, withinMs: storeMs });
      return statusReport({
        config,
        version: ownVersion,
        uptimeMs: clock.mono() - startedMono,
        views: registry.view(),
        store: stored,
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

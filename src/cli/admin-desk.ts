import type { GuardedOptions } from '../admin/guarded.ts';
import { CupbearerError } from '../errors.ts';
import { allowedHosts } from '../gateway/hosts.ts';
import { errorFacts } from '../telemetry/error-facts.ts';
import type { Log } from '../telemetry/log.ts';
import { createLoginDesk } from '../token/login-desk.ts';
import { type ControlDeskInit, createControlDesk } from './control-desk.ts';

export interface AdminDeskInit extends ControlDeskInit {
  readonly log: Log;
}

/** What the admin listener offers besides probes, made of the parts of a running Cupbearer. */
export function createAdminDesk(init: AdminDeskInit): GuardedOptions {
  const { config, registry, clock, log } = init;
  const { admin } = config.server;
  return {
    isAllowedHost: (field) => allowedHosts(config.server.hosts).field(field),
    unixSocket: admin !== 'off' && admin.kind === 'unix',
    login: createLoginDesk({
      config,
      parts: registry.parts,
      clock,
      stored({ credential, tenant, refreshable }) {
        log.info('logged in', { credential, tenant, refreshable });
        try {
          registry.restart(credential, tenant);
        } catch (error) {
          // As many tenants as allowed are busy: this one finds its session when its turn comes.
          if (!(error instanceof CupbearerError)) throw error;
        }
      },
    }),
    api: {
      control: createControlDesk(init),
      restart(credential, tenant) {
        if (!Object.hasOwn(config.credentials, credential)) {
          throw new CupbearerError('route-not-found', `there is no credential ${JSON.stringify(credential)}`);
        }
        registry.restart(credential, tenant);
      },
    },
    failed(error) {
      log.error('an error inside Cupbearer', errorFacts(error));
    },
  };
}

import { whatToDo } from '../admin/what-to-do.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../telemetry/log.ts';
import type { TokenEvents } from '../token/events.ts';

/** What the log says of tokens: codes, generations and the first digits of a hash, never a value. */
export function tokenLog(log: Log, config: Pick<Config, 'credentials' | 'providers'>): TokenEvents {
  return {
    fetched(event) {
      log.info('token fetched', {
        credential: event.credential,
        tenant: event.tenant,
        reason: event.reason,
        gen: event.gen,
        hash: event.hash8,
        lifetime_s: Math.round(event.lifetimeMs / 1_000),
        ms: Math.round(event.tookMs),
        waiters: event.waiters,
      });
      for (const warning of event.warnings)
        log.warn(warning, { credential: event.credential, tenant: event.tenant });
    },
    adopted(event) {
      const { credential, tenant, gen, hash8: hash, lifetimeLeftMs } = event;
      if (lifetimeLeftMs === undefined) {
        log.info('key taken from the configuration', { credential, tenant, gen, hash });
        return;
      }
      const lifetime_s = Math.round(lifetimeLeftMs / 1_000);
      log.info('token taken from the store', { credential, tenant, gen, hash, lifetime_s });
    },
    secretsChanged({ credential, names }) {
      log.info('secrets changed', { credential, keys: names.join(', ') });
    },
    secretKept({ credential, name, reason }) {
      log.warn('a secret could not be read again; the one before stays', {
        credential,
        key: name,
        detail: reason,
        what_to_do: 'make the file readable again; it is looked at every few seconds',
      });
    },
    revoked(event) {
      const fields = {
        credential: event.credential,
        tenant: event.tenant,
        hash: event.hash8,
        revoked: event.revoked,
        session_deleted: event.deleted,
        error: event.failure?.error,
        detail: event.failure?.detail,
      };
      if (event.failure)
        log.warn('a token could not be revoked; it may be good until it expires', {
          ...fields,
          what_to_do: `try again: cupbearer revoke ${event.credential}; or end the session at the provider`,
        });
      else if (event.unsupported)
        log.warn('the provider has no revocation endpoint; tokens are good until they expire', {
          ...fields,
          what_to_do: 'end the session at the provider, or change the client secret there',
        });
      else log.info(event.revoked > 0 ? 'tokens revoked' : 'there was no token to revoke', fields);
    },
    failed(event) {
      const fields = {
        credential: event.credential,
        tenant: event.tenant,
        reason: event.reason,
        error: event.failure.error,
        status: event.failure.status,
        detail: event.failure.detail,
        retry_in_s: Math.ceil(event.retryInMs / 1_000),
        waiters: event.waiters,
        what_to_do: whatToDo(event.failure, event, config),
      };
      if (event.blocked) log.error('token refused; the configuration or a login is needed', fields);
      else log.warn('token request failed', fields);
    },
    noop(event) {
      log.warn('the provider gave a token that was already there or refused', {
        credential: event.credential,
        tenant: event.tenant,
        reason: event.reason,
        hash: event.hash8,
        what_to_do: 'ask the provider why it gives the same token again; a renewal is tried again later',
      });
    },
    refused(event) {
      log.warn('an upstream refused the token', {
        credential: event.credential,
        tenant: event.tenant,
        origin: event.origin,
        gen: event.gen,
        action: event.action,
        what_to_do:
          event.action === 'guarded'
            ? 'a newer token would not help now: check scope, audience and rights of the client at the provider'
            : undefined,
      });
    },
  };
}

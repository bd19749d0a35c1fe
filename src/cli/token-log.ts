import type { Log } from '../telemetry/log.ts';
import type { TokenEvents } from '../token/events.ts';

/** What the log says of tokens: codes, generations and the first digits of a hash, never a value. */
export function tokenLog(log: Log): TokenEvents {
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
    failed(event) {
      const retry = Number.isFinite(event.retryInMs) ? Math.ceil(event.retryInMs / 1_000) : undefined;
      const fields = {
        credential: event.credential,
        tenant: event.tenant,
        reason: event.reason,
        error: event.failure.error,
        status: event.failure.status,
        detail: event.failure.detail,
        retry_in_s: retry,
        waiters: event.waiters,
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
      });
    },
    refused(event) {
      log.warn('an upstream refused the token', {
        credential: event.credential,
        tenant: event.tenant,
        origin: event.origin,
        gen: event.gen,
        action: event.action,
      });
    },
  };
}

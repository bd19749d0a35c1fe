import * as v from 'valibot';
import type { RevokeReport } from '../admin/control.ts';
import type { CredentialStatus, StatusReport } from '../admin/status.ts';
import { configStatus, routeStatus, workerStatus } from './instance-report.ts';

type LastError = NonNullable<CredentialStatus['last_error']>;
type StoredSession = NonNullable<CredentialStatus['session']>;

/** One of these words: every one of the type, so that a new one cannot be forgotten here. */
function oneOf<T extends string>(words: Readonly<Record<T, true>>) {
  return v.picklist(Object.keys(words) as T[]);
}

const seconds = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const credentialStatus = v.looseObject({
  credential: v.string(),
  tenant: v.exactOptional(v.string()),
  provider: v.string(),
  grant_type: v.string(),
  state: oneOf<CredentialStatus['state']>({
    FRESH: true,
    SOFT: true,
    HARD: true,
    EXPIRED: true,
    REJECTED: true,
    STORED: true,
    NONE: true,
  }),
  refresh: oneOf<CredentialStatus['refresh']>({
    IDLE: true,
    IN_FLIGHT: true,
    BACKOFF: true,
    BLOCKED: true,
    DRAINING: true,
  }),
  well: v.boolean(),
  gen: count,
  had_token: v.boolean(),
  lifetime_left_s: v.exactOptional(seconds),
  lifetime_s: v.exactOptional(seconds),
  renew_in_s: v.exactOptional(seconds),
  retry_in_s: v.exactOptional(seconds),
  last_error: v.exactOptional(
    v.looseObject({
      kind: oneOf<LastError['kind']>({
        transient: true,
        rate_limited: true,
        timeout: true,
        bad_answer: true,
        config: true,
        invalid_client: true,
        invalid_grant: true,
        reauthorization: true,
        store: true,
        store_unreadable: true,
        lender: true,
        stopped: true,
      }),
      error: v.string(),
      detail: v.string(),
      what_to_do: v.exactOptional(v.string()),
    }),
  ),
  session: v.exactOptional(
    v.looseObject({
      refresh_token: oneOf<StoredSession['refresh_token']>({
        stored: true,
        spent: true,
        none: true,
        configured: true,
        unreadable: true,
      }),
      intent_pending: v.boolean(),
      error: v.exactOptional(v.string()),
    }),
  ),
  can_log_in: v.exactOptional(v.boolean()),
});

const status = v.looseObject({
  running: v.literal(true),
  version: v.string(),
  uptime_s: v.exactOptional(seconds),
  draining: v.exactOptional(v.boolean()),
  config: v.exactOptional(configStatus),
  store: v.looseObject({
    kind: oneOf<StatusReport['store']['kind']>({ memory: true, sqlite: true, redis: true }),
    reachable: v.boolean(),
    error: v.exactOptional(v.string()),
  }),
  credentials: v.array(credentialStatus),
  routes: v.exactOptional(v.array(routeStatus)),
  workers: v.exactOptional(v.array(workerStatus)),
});

const revocation = v.looseObject({
  credential: v.string(),
  tenant: v.exactOptional(v.string()),
  revoked: count,
  session_deleted: v.boolean(),
  supported: v.boolean(),
  error: v.exactOptional(
    v.looseObject({ error: v.string(), status: v.exactOptional(count), detail: v.string() }),
  ),
});

/** What `GET /api/status` answered; undefined when it is none of our reports. */
export function readStatus(body: unknown): StatusReport | undefined {
  const { success, output } = v.safeParse(status, body);
  return success ? output : undefined;
}

/** What `POST /api/revoke` answered; undefined when it is none of our reports, or one of something else. */
export function readRevocation(
  body: unknown,
  credential: string,
  tenant: string | undefined,
): RevokeReport | undefined {
  const { success, output } = v.safeParse(revocation, body);
  return success && output.credential === credential && output.tenant === tenant ? output : undefined;
}

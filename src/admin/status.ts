import type { Config } from '../config/config.ts';
import type { Subject } from '../token/events.ts';
import type { Failure } from '../token/failure.ts';
import type { SessionView, StoreView } from '../token/session-view.ts';
import type { CredentialView } from '../token/view.ts';
import {
  type ConfigStatus,
  type RouteStatus,
  type WorkerFacts,
  type WorkerStatus,
  workerStatus,
} from './instance-status.ts';
import { whatToDo } from './what-to-do.ts';

/**
 * What `GET /api/status` answers and `cupbearer status --json` prints. Names are stable, members may be added; times are
 * whole seconds, or milliseconds where the name ends in `_ms`; what does not apply is absent. Nothing in it is secret.
 *
 * - `running`: an instance answered; false: all there is comes from the configuration and the store.
 * - `version`, `uptime_s`: of the instance. `draining`: it stops, and takes no more traffic; absent while it does not.
 * - `config`: of a running instance: whether what the configuration file says is in force.
 * - `store`: `kind`, whether it is `reachable` now, and the `error` when it is not.
 * - `credentials`: one entry for each credential, and for each tenant known to the instance or to the store.
 * - `routes`: of a running instance: one entry for each route, then one for requests that belong to none.
 * - `workers`: of an instance that serves with several processes: one entry for each.
 */
export interface StatusReport {
  readonly running: boolean;
  readonly version: string;
  readonly uptime_s?: number;
  readonly draining?: boolean;
  readonly config?: ConfigStatus;
  readonly store: { readonly kind: StoreView['kind']; readonly reachable: boolean; readonly error?: string };
  readonly credentials: readonly CredentialStatus[];
  readonly routes?: readonly RouteStatus[];
  readonly workers?: readonly WorkerStatus[];
}

/**
 * - `state`: of the token in force, `FRESH`, `SOFT` (renewal is due), `HARD` (renewal is waited for), `EXPIRED`,
 *   `REJECTED` (an upstream refused it); without one `STORED` (the store has a session) or `NONE`.
 * - `refresh`: `IDLE`, `IN_FLIGHT`, `BACKOFF` (a failure passes by itself), `BLOCKED` (somebody has to do something),
 *   `DRAINING`.
 * - `well`: it has or can get a token, as far as is known. False when blocked, when only a login helps, when its session
 *   cannot be read, or when it has nothing to serve after a failure.
 * - `gen`: rises with every new token value; 0 without one. `had_token`: it has had one since the start.
 * - `lifetime_left_s`: of the token in force; of the stored one when `STORED`. `lifetime_s`: of the token in force, as
 *   granted. `renew_in_s`: until it is due for renewal; absent when it is due already.
 * - `retry_in_s`: how long failures let no request start; absent when there is no such wait or no end of it.
 * - `last_error`: the failure that no success has followed yet; `kind` says what sort it is, `error` is an OAuth error
 *   code or another short code.
 * - `session`: what the store holds of grants that have sessions; absent when it cannot be reached. `refresh_token` is
 *   `stored`, `spent`, `none`, `configured` (the next request starts with the one in the configuration) or `unreadable`.
 *   `intent_pending`: a refresh was begun and its answer has not been stored.
 * - `can_log_in`: of a running instance: a person can start its session at `/login/CREDENTIAL` of the admin listener.
 */
export interface CredentialStatus {
  readonly credential: string;
  readonly tenant?: string;
  readonly provider: string;
  readonly grant_type: string;
  readonly state: CredentialView['region'] | 'STORED';
  readonly refresh: CredentialView['refresh'];
  readonly well: boolean;
  readonly gen: number;
  readonly had_token: boolean;
  readonly lifetime_left_s?: number;
  readonly lifetime_s?: number;
  readonly renew_in_s?: number;
  readonly retry_in_s?: number;
  readonly last_error?: {
    readonly kind: Failure['kind'];
    readonly error: string;
    readonly detail: string;
    readonly what_to_do?: string;
  };
  readonly session?: {
    readonly refresh_token: SessionView['refreshToken'];
    readonly intent_pending: boolean;
    readonly error?: string;
  };
  readonly can_log_in?: boolean;
}

export interface StatusFacts {
  readonly config: Pick<Config, 'credentials' | 'providers'>;
  readonly version: string;
  /** Undefined: no instance is asked. */
  readonly uptimeMs: number | undefined;
  readonly views: readonly CredentialView[];
  readonly store: StoreView;
  readonly draining?: boolean | undefined;
  /** Whether a person can start the session of a credential or tenant in a browser. */
  readonly canLogIn?: ((subject: Subject) => boolean) | undefined;
  readonly configStatus?: ConfigStatus | undefined;
  readonly routes?: readonly RouteStatus[] | undefined;
  /** Undefined: there is one process. */
  readonly workers?: readonly WorkerFacts[] | undefined;
}

/** The report of these facts. */
export function statusReport(facts: StatusFacts): StatusReport {
  const { version, uptimeMs, draining, configStatus, config, views, store, routes, workers } = facts;
  const sessions = new Map(store.sessions.map((one) => [nameOf(one), one]));
  const seen = new Set(views.map(nameOf));
  const untold = Object.entries(config.credentials)
    .filter(([credential, { tenant }]) => tenant === undefined && !seen.has(nameOf({ credential })))
    .map(([credential]) => ({ credential }));
  const rest = store.sessions.filter((one) => one.tenant !== undefined && !seen.has(nameOf(one)));
  const all = [...views, ...[...untold, ...rest].map(unused)];
  return {
    running: uptimeMs !== undefined,
    version,
    ...(uptimeMs === undefined ? {} : { uptime_s: Math.floor(uptimeMs / 1_000) }),
    ...(draining ? { draining } : {}),
    ...(configStatus === undefined ? {} : { config: configStatus }),
    store: {
      kind: store.kind,
      reachable: store.error === undefined,
      ...(store.error === undefined ? {} : { error: store.error }),
    },
    credentials: all.sort(byName).map((view) => statusOf(view, sessions.get(nameOf(view)), facts)),
    ...(routes === undefined ? {} : { routes }),
    ...(workers === undefined ? {} : { workers: workers.map(workerStatus) }),
  };
}

/** Of a credential or tenant that no instance holds. */
function unused({ credential, tenant }: { credential: string; tenant?: string | undefined }): CredentialView {
  const nothing = {
    gen: 0,
    lifetimeLeftMs: undefined,
    retryInMs: 0,
    lastFailure: undefined,
    hadToken: false,
  };
  return { credential, tenant, region: 'NONE', refresh: 'IDLE', ...nothing };
}

function statusOf(
  view: CredentialView,
  session: SessionView | undefined,
  { config, canLogIn }: Pick<StatusFacts, 'config' | 'canLogIn'>,
): CredentialStatus {
  const { credential, tenant, region, refresh, gen, renewInMs, retryInMs, lastFailure, hadToken } = view;
  const holds = session?.refreshToken === 'stored' || (session?.lifetimeLeftMs ?? 0) > 0;
  const isStored = region === 'NONE' && holds;
  const leftMs = isStored ? session?.lifetimeLeftMs : view.lifetimeLeftMs;
  return {
    credential,
    ...(tenant === undefined ? {} : { tenant }),
    provider: config.providers[credential]?.name ?? '',
    grant_type: config.credentials[credential]?.grant_type ?? '',
    state: isStored ? 'STORED' : region,
    refresh,
    well: isWell(view, session),
    gen,
    had_token: hadToken,
    ...(leftMs === undefined ? {} : { lifetime_left_s: Math.floor(leftMs / 1_000) }),
    ...(isStored || view.lifetimeMs === undefined ? {} : { lifetime_s: Math.floor(view.lifetimeMs / 1_000) }),
    ...(renewInMs === undefined ? {} : { renew_in_s: Math.ceil(renewInMs / 1_000) }),
    ...(retryInMs > 0 && Number.isFinite(retryInMs) ? { retry_in_s: Math.ceil(retryInMs / 1_000) } : {}),
    ...(lastFailure === undefined ? {} : { last_error: lastError(lastFailure, view, config) }),
    ...(session === undefined ? {} : { session: sessionOf(session) }),
    ...(canLogIn === undefined ? {} : { can_log_in: canLogIn({ credential, tenant }) }),
  };
}

/** Whether a credential has or can get a token, as far as is known. */
export function isWell(
  { region, refresh, lastFailure }: CredentialView,
  session: SessionView | undefined,
): boolean {
  if (refresh === 'BLOCKED' || session?.refreshToken === 'unreadable') return false;
  if (isInForce(region)) return true;
  return lastFailure === undefined && !(session && isSpent(session));
}

/** Whether a token in this state is served. */
export function isInForce(state: CredentialStatus['state']): boolean {
  return state === 'FRESH' || state === 'SOFT' || state === 'HARD';
}

/** Whether a session brings no token any more, neither a stored one nor by its refresh token. */
export function isSpent({ refreshToken, lifetimeLeftMs = 0 }: SessionView): boolean {
  return (refreshToken === 'spent' || refreshToken === 'none') && lifetimeLeftMs <= 0;
}

function sessionOf({ refreshToken, intentSince, error }: SessionView): CredentialStatus['session'] & object {
  return {
    refresh_token: refreshToken,
    intent_pending: intentSince !== undefined,
    ...(error === undefined ? {} : { error }),
  };
}

function lastError(
  failure: Failure,
  view: CredentialView,
  config: StatusFacts['config'],
): CredentialStatus['last_error'] & object {
  const { kind, error, detail } = failure;
  const advice = whatToDo(failure, view, config);
  return { kind, error, detail, ...(advice === undefined ? {} : { what_to_do: advice }) };
}

function nameOf({ credential, tenant }: { credential: string; tenant?: string | undefined }): string {
  return `${credential} ${tenant ?? ''}`;
}

/** By credential and tenant, in code units. */
function byName(a: CredentialView, b: CredentialView): number {
  const [one, other] = [nameOf(a), nameOf(b)];
  return one < other ? -1 : Number(one > other);
}

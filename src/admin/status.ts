import type { Config } from '../config/config.ts';
import type { Failure } from '../token/failure.ts';
import type { SessionView, StoreView } from '../token/session-view.ts';
import type { CredentialView } from '../token/view.ts';
import { type RouteStatus, type WorkerFacts, type WorkerStatus, workerStatus } from './instance-status.ts';

/**
 * What `GET /api/status` answers and `cupbearer status --json` prints. Names are stable, members may be added; times are
 * whole seconds, or milliseconds where the name ends in `_ms`; what does not apply is absent. Nothing in it is secret.
 *
 * - `running`: an instance answered; false: all there is comes from the configuration and the store.
 * - `version`, `uptime_s`: of the instance.
 * - `store`: `kind`, whether it is `reachable` now, and the `error` when it is not.
 * - `credentials`: one entry for each credential, and for each tenant known to the instance or to the store.
 * - `routes`: of a running instance: one entry for each route, then one for requests that belong to none.
 * - `workers`: of an instance that serves with several processes: one entry for each.
 */
export interface StatusReport {
  readonly running: boolean;
  readonly version: string;
  readonly uptime_s?: number;
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
 * - `lifetime_left_s`: of the token in force; of the stored one when `STORED`.
 * - `retry_in_s`: how long failures let no request start; absent when there is no such wait or no end of it.
 * - `last_error`: the failure that no success has followed yet; `kind` says what sort it is, `error` is an OAuth error
 *   code or another short code.
 * - `session`: what the store holds of grants that have sessions; absent when it cannot be reached. `refresh_token` is
 *   `stored`, `spent`, `none`, `configured` (the next request starts with the one in the configuration) or `unreadable`.
 *   `intent_pending`: a refresh was begun and its answer has not been stored.
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
}

export interface StatusFacts {
  readonly config: Pick<Config, 'credentials' | 'providers'>;
  readonly version: string;
  /** Undefined: no instance is asked. */
  readonly uptimeMs: number | undefined;
  readonly views: readonly CredentialView[];
  readonly store: StoreView;
  readonly routes?: readonly RouteStatus[] | undefined;
  /** Undefined: there is one process. */
  readonly workers?: readonly WorkerFacts[] | undefined;
}

/** The report of these facts. */
export function statusReport(facts: StatusFacts): StatusReport {
  const { config, version, uptimeMs, views, store, routes, workers } = facts;
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
    store: {
      kind: store.kind,
      reachable: store.error === undefined,
      ...(store.error === undefined ? {} : { error: store.error }),
    },
    credentials: all.sort(byName).map((view) => statusOf(view, sessions.get(nameOf(view)), config)),
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
  config: StatusFacts['config'],
): CredentialStatus {
  const { credential, tenant, region, refresh, gen, retryInMs, lastFailure, hadToken } = view;
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
    ...(retryInMs > 0 && Number.isFinite(retryInMs) ? { retry_in_s: Math.ceil(retryInMs / 1_000) } : {}),
    ...(lastFailure === undefined ? {} : { last_error: lastError(lastFailure, view, config) }),
    ...(session === undefined ? {} : { session: sessionOf(session) }),
  };
}

function isWell({ region, refresh, lastFailure }: CredentialView, session: SessionView | undefined): boolean {
  if (refresh === 'BLOCKED' || session?.refreshToken === 'unreadable') return false;
  if (region === 'FRESH' || region === 'SOFT' || region === 'HARD') return true;
  const needsLogin = session?.refreshToken === 'spent' || session?.refreshToken === 'none';
  if (needsLogin && !((session.lifetimeLeftMs ?? 0) > 0)) return false;
  return lastFailure === undefined;
}

function sessionOf({ refreshToken, intentSince, error }: SessionView): CredentialStatus['session'] & object {
  return {
    refresh_token: refreshToken,
    intent_pending: intentSince !== undefined,
    ...(error === undefined ? {} : { error }),
  };
}

function lastError(
  { kind, error, detail }: Failure,
  view: CredentialView,
  config: StatusFacts['config'],
): CredentialStatus['last_error'] & object {
  const advice = whatToDo(kind, view, config);
  return { kind, error, detail, ...(advice === undefined ? {} : { what_to_do: advice }) };
}

/** Undefined for what passes by itself. */
function whatToDo(
  kind: Failure['kind'],
  { credential, tenant }: CredentialView,
  { credentials, providers }: StatusFacts['config'],
): string | undefined {
  switch (kind) {
    case 'transient':
    case 'timeout':
      return "if it lasts, check the provider's token.url and the network";
    case 'bad_answer':
      return "check the provider's response section";
    case 'config':
      return "check the credential and the provider's token section";
    case 'invalid_client':
      return 'check client_id and client_secret';
    case 'invalid_grant':
      return 'check grant_type and what it needs';
    case 'reauthorization': {
      const provider = providers[credential];
      const login = `cupbearer login ${credential}${tenant === undefined ? '' : ` --tenant ${shellWord(tenant)}`}`;
      const canLogIn = provider?.authorize?.url ?? provider?.device_authorization;
      return canLogIn ? login : 'put a new refresh_token into the configuration';
    }
    case 'store':
      return 'check store.url, and that the store runs';
    case 'store_unreadable':
      return 'check store.key and store.url';
    case 'lender':
      return `see credential ${credentials[credential]?.using}, whose token it uses`;
    case 'rate_limited':
    case 'stopped':
      return undefined;
  }
}

/** A tenant may hold what a shell obeys. */
function shellWord(text: string): string {
  return /^[\w.:@/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function nameOf({ credential, tenant }: { credential: string; tenant?: string | undefined }): string {
  return `${credential} ${tenant ?? ''}`;
}

/** By credential and tenant, in code units. */
function byName(a: CredentialView, b: CredentialView): number {
  const [one, other] = [nameOf(a), nameOf(b)];
  return one < other ? -1 : Number(one > other);
}

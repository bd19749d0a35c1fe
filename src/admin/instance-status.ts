/**
 * One route since the start, all workers together; `p50_ms` and `p99_ms` are estimates.
 *
 * - `route`: its prefix; absent for requests that matched no route or were refused before.
 * - `requests`: those that are over. `responses` are they by the status the caller got, 1xx being tunnels, `unanswered`
 *   those whose caller got none.
 * - `errors`: our own answers. `recovered`: a refused token was renewed, and the request then succeeded. `waited`: the
 *   request waited for a token.
 * - `p50_ms`, `p99_ms`: how long half of the requests, and 99 in 100, took at most, from head to end, bodies included and
 *   tunnels left out. Estimated from buckets, so as exact as those; 60000 may stand for more. Absent without requests.
 */
export interface RouteStatus {
  readonly route?: string;
  readonly requests: number;
  readonly responses: Readonly<Record<'1xx' | '2xx' | '3xx' | '4xx' | '5xx', number>>;
  readonly unanswered: number;
  readonly errors: number;
  readonly recovered: number;
  readonly waited: number;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
}

/** What became of one route in one spell after the other, oldest first. All have as many entries. */
export interface RouteTrend {
  /** Requests a second. */
  readonly rate: readonly number[];
  /** Estimates, ms; undefined for a spell without requests. */
  readonly p50: readonly (number | undefined)[];
  readonly p99: readonly (number | undefined)[];
  /** Our own answers. */
  readonly errors: readonly number[];
}

/** What the routes did lately: those with most requests, by prefix, `undefined` being what belongs to no route. */
export interface RouteTrends {
  /** Milliseconds of one spell. */
  readonly everyMs: number;
  readonly routes: ReadonlyMap<string | undefined, RouteTrend>;
}

/**
 * One of the processes that serve.
 *
 * - `state`: `starting` (it does not listen yet), `serving`, `stopping` (it drains).
 * - `uptime_s`: of the process. `restarts`: how often one had to be started in the place of one that ended.
 */
export interface WorkerStatus {
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'stopping';
  readonly uptime_s: number;
  readonly restarts: number;
}

/**
 * What became of the configuration file since the start.
 *
 * - `loaded_at`: when the configuration in force was read, ISO 8601. `reloads`: how often one took another's place.
 *   `refusals`: how often one could not.
 * - `refused`: why the file as it is now is not in force; the configuration before it serves on. `problems` are whole
 *   sentences with file and line; absent while the file and the configuration in force agree.
 */
export interface ConfigStatus {
  readonly loaded_at: string;
  readonly reloads: number;
  readonly refusals: number;
  readonly refused?: { readonly at: string; readonly problems: readonly string[] };
}

/** A worker as its parent sees it. */
export interface WorkerFacts extends Pick<WorkerStatus, 'pid' | 'state' | 'restarts'> {
  readonly uptimeMs: number;
}

export function workerStatus({ pid, state, uptimeMs, restarts }: WorkerFacts): WorkerStatus {
  return { pid, state, uptime_s: Math.floor(uptimeMs / 1_000), restarts };
}

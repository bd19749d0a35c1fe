import { type ErrorCode, errorTable } from '../errors.ts';
import { type Histogram, histogramIn, histogramSize, observe } from './histogram.ts';

/** What is counted of an exchange that is over. */
export interface CountedExchange {
  /** Prefix; undefined when no route matched, or it was refused before one was looked for. */
  readonly route: string | undefined;
  /** 0 when no head was sent to the caller. */
  readonly status: number;
  /** Set when the answer is our own. */
  readonly error: ErrorCode | undefined;
  readonly token: 'none' | 'ready' | 'waited';
  readonly retry: 'none' | Retry;
  readonly resent: boolean;
  readonly aborted: Aborted | undefined;
  readonly tunnel: string | undefined;
  readonly upstreamMs: number | undefined;
}

type Aborted = 'caller' | 'upstream';
type Retry = 'recovered' | 'refused-again' | 'no-new-token' | 'not-replayable';
type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx';

/** What was counted of a route's exchanges since the start. No number ever goes down. */
export interface RouteCounts {
  /** Prefix; undefined for what matched no route or was refused before. */
  readonly route: string | undefined;
  readonly requests: number;
  /** Requests by the status the caller got; 1xx are tunnels. */
  readonly responses: Readonly<Record<StatusClass, number>>;
  /** Requests whose caller got no status. */
  readonly unanswered: number;
  /** Our own answers by code; those that did not occur are absent. */
  readonly errors: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Exchanges broken off before their end, by who did it. */
  readonly aborted: Readonly<Record<Aborted, number>>;
  /** Requests that waited for a token. */
  readonly waited: number;
  /** What came of tokens that the upstream refused. */
  readonly retry: Readonly<Record<Retry, number>>;
  /** Requests sent again after a stale connection broke. */
  readonly resent: number;
  /** From a request's head to the end of the exchange; tunnels, which last as they please, are left out. */
  readonly duration: Histogram;
  /** From the last attempt's start to its head, where one came. */
  readonly upstream: Histogram;
  /**
   * `duration` without `upstream`, of exchanges that have both: our own work, and also waiting for a token, attempts
   * before the last and the time that bodies take.
   */
  readonly overhead: Histogram;
}

/** The numbers of one route, each with a place of its own. */
export type Row = Float64Array;

const codes = Object.keys(errorTable) as ErrorCode[];
const classes = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const breakers = ['caller', 'upstream'] as const;
const retries = ['recovered', 'refused-again', 'no-new-token', 'not-replayable'] as const;

/** Of the number that rises with every exchange. */
export const requestsAt = 0;
/** Status 0; the classes follow. */
const statusAt = 1;
const waitedAt = statusAt + 1 + classes.length;
const resentAt = waitedAt + 1;
const abortedAt = resentAt + 1;
const retryAt = abortedAt + breakers.length;
const errorAt = retryAt + retries.length;
const durationAt = errorAt + codes.length;
const upstreamAt = durationAt + histogramSize;
const overheadAt = upstreamAt + histogramSize;
const rowSize = overheadAt + histogramSize;

const abortedPlaces = placesOf(breakers, abortedAt);
const retryPlaces = placesOf(retries, retryAt);
const errorPlaces = placesOf(codes, errorAt);

export function emptyRow(): Row {
  return new Float64Array(rowSize);
}

/** Counts an exchange that took `ms` from its head to its end. */
export function count(row: Row, exchange: CountedExchange, ms: number): void {
  const { status, error, retry, aborted, upstreamMs } = exchange;
  increase(row, requestsAt);
  increase(row, statusAt + classOf(status));
  if (error !== undefined) increase(row, errorPlaces[error]);
  if (exchange.token === 'waited') increase(row, waitedAt);
  if (retry !== 'none') increase(row, retryPlaces[retry]);
  if (exchange.resent) increase(row, resentAt);
  if (aborted !== undefined) increase(row, abortedPlaces[aborted]);
  if (upstreamMs !== undefined) observe(row, upstreamAt, upstreamMs);
  if (exchange.tunnel !== undefined) return;
  observe(row, durationAt, ms);
  if (upstreamMs !== undefined) observe(row, overheadAt, Math.max(ms - upstreamMs, 0));
}

/** The numbers of a row by name. */
export function countsOf(route: string | undefined, row: Row): RouteCounts {
  const at = (place: number) => row[place] as number;
  const named = <N extends string>(names: readonly N[], start: number) =>
    Object.fromEntries(names.map((name, i) => [name, at(start + i)])) as Record<N, number>;
  const occurred = codes.filter((code) => at(errorPlaces[code]) > 0);
  return {
    route,
    requests: at(requestsAt),
    responses: named(classes, statusAt + 1),
    unanswered: at(statusAt),
    errors: Object.fromEntries(occurred.map((code) => [code, at(errorPlaces[code])])),
    aborted: named(breakers, abortedAt),
    waited: at(waitedAt),
    retry: named(retries, retryAt),
    resent: at(resentAt),
    duration: histogramIn(row, durationAt),
    upstream: histogramIn(row, upstreamAt),
    overhead: histogramIn(row, overheadAt),
  };
}

/** 0 for none, 1 to 5; what is no HTTP status counts as 5xx (RFC 9110 §15). */
function classOf(status: number): number {
  if (status === 0) return 0;
  return status >= 100 && status < 600 ? Math.trunc(status / 100) : 5;
}

function increase(row: Row, place: number): void {
  (row[place] as number) += 1;
}

function placesOf<N extends string>(names: readonly N[], start: number): Readonly<Record<N, number>> {
  return Object.fromEntries(names.map((name, i) => [name, start + i])) as Record<N, number>;
}

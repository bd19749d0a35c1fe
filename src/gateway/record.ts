import { CupbearerError, type ErrorCode } from '../errors.ts';
import { type ProblemAnswer, problemAnswer } from './problem.ts';
import type { TunnelEnd } from './tunnel.ts';

/** What is known of one exchange. Log line, metrics and problem answers are read from it. */
export interface Exchange {
  readonly id: string;
  readonly method: string;
  /** Milliseconds on the monotonic clock. */
  readonly startedAt: number;
  route: string | undefined;
  credential: string | undefined;
  caller: string | undefined;
  /** 0 until a head was sent to the caller. */
  status: number;
  /** Set when the answer is our own. */
  error: ErrorCode | undefined;
  /** The original of `error`, for the log alone. */
  cause: unknown;
  /** ready: a token was at hand; waited: a flight was waited for. */
  token: 'none' | 'ready' | 'waited';
  /** What came of a refused token. */
  retry: 'none' | 'recovered' | 'refused-again' | 'no-new-token' | 'not-replayable';
  /** With how many tokens it was sent. */
  attempts: number;
  /** Sent again after the connection it went on broke before any answer. */
  resent: boolean;
  /** Milliseconds from the last attempt's start to its head; undefined when none came. */
  upstreamMs: number | undefined;
  /** Who broke the exchange off before its end. */
  aborted: 'caller' | 'upstream' | undefined;
  /** Set when it became a tunnel: what ended that. */
  tunnel: TunnelEnd | undefined;
}

/** Makes the records of exchanges, each with an id of its own. `now` gives ms on the monotonic clock. */
export function exchangeFactory(now: () => number): (method: string) => Exchange {
  const process = Math.random().toString(36).slice(2, 8);
  let count = 0;
  return (method) => ({
    id: `${process}-${(++count).toString(36)}`,
    method,
    startedAt: now(),
    route: undefined,
    credential: undefined,
    caller: undefined,
    status: 0,
    error: undefined,
    cause: undefined,
    token: 'none',
    retry: 'none',
    attempts: 0,
    resent: false,
    upstreamMs: undefined,
    aborted: undefined,
    tunnel: undefined,
  });
}

/** Our own answer to an exchange that failed, noted in its record. */
export function answerProblem(record: Exchange, error: unknown): ProblemAnswer {
  const answer = problemAnswer(error, record.id);
  record.status = answer.status;
  record.error = answer.code;
  record.cause = error instanceof CupbearerError ? error.cause : error;
  return answer;
}

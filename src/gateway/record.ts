import { CupbearerError, type ErrorCode } from '../errors.ts';
import { givenIds } from './given-ids.ts';
import { type ProblemAnswer, problemAnswer } from './problem.ts';
import { createRandomIds } from './random-ids.ts';
import { SentAttempts } from './sent-attempts.ts';
import { sampledFlag } from './trace-context.ts';
import type { TunnelEnd } from './tunnel.ts';

/** What is known of one exchange. Log line, metrics and problem answers are read from it. */
export interface Exchange {
  /** The caller's `X-Request-Id`, or ours: letters, digits and `._~:/+=@-`, at most 128. */
  readonly id: string;
  /** The caller's trace, or one of our own: 32 hex digits. */
  readonly traceId: string;
  /** Our part of the trace: 16 hex digits. */
  readonly spanId: string;
  /** The caller's part of it; undefined when the trace starts here. */
  readonly parentId: string | undefined;
  /** Flags of `traceparent`. */
  readonly traceFlags: number;
  /** `tracestate` of a trace that goes on. */
  readonly traceState: string | undefined;
  /** Whether the caller has chosen an id, which may then be anything that has the form of one. */
  readonly hasGivenIds: boolean;
  /** Set when the trace is recorded. */
  readonly sent: SentAttempts | undefined;
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

/** Whether a trace is recorded; `parent` says whether the caller records it, undefined when the trace starts here. */
export type SampleTrace = (traceId: string, parent: boolean | undefined) => boolean;

/** Makes the record of an exchange from its method and its raw fields, flat [name, value, …]. */
export type NewExchange = (method: string, raw?: readonly string[]) => Exchange;

const noFields: readonly string[] = [];

/**
 * Makes the records of exchanges, each with ids of its own or those of the caller. `now` gives ms on the monotonic clock.
 * Without `sample` no trace is recorded: the flags of those that go on stay as they are, the others have none.
 */
export function exchangeFactory(now: () => number, sample?: SampleTrace): NewExchange {
  const process = Math.random().toString(36).slice(2, 8);
  const ids = createRandomIds();
  let count = 0;
  return (method, raw = noFields) => {
    const { id, parent, state } = givenIds(raw);
    const traceId = parent?.traceId ?? ids.trace();
    const flags = parent?.flags ?? 0;
    const isSampled = sample?.(traceId, parent && (flags & sampledFlag) !== 0);
    return {
      id: id ?? `${process}-${(++count).toString(36)}`,
      traceId,
      spanId: ids.span(),
      parentId: parent?.parentId,
      traceFlags: isSampled === undefined ? flags : (flags & ~sampledFlag) | (isSampled ? sampledFlag : 0),
      traceState: state,
      hasGivenIds: id !== undefined || parent !== undefined,
      sent: isSampled ? new SentAttempts(ids.span) : undefined,
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
    };
  };
}

/** Our own answer to an exchange that failed, noted in its record. */
export function answerProblem(record: Exchange, error: unknown): ProblemAnswer {
  const answer = problemAnswer(error, record.id, record.traceId);
  record.status = answer.status;
  record.error = answer.code;
  record.cause = error instanceof CupbearerError ? error.cause : error;
  return answer;
}

import type { ErrorCode } from '../errors.ts';

/** What a trace tells of an exchange that is over. Times are ms on the monotonic clock. */
export interface TracedExchange {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly traceFlags: number;
  readonly method: string;
  readonly startedAt: number;
  readonly route: string | undefined;
  readonly credential: string | undefined;
  readonly caller: string | undefined;
  readonly status: number;
  readonly error: ErrorCode | undefined;
  readonly token: string;
  readonly retry: string;
  readonly resent: boolean;
  readonly aborted: 'caller' | 'upstream' | undefined;
  readonly tunnel: string | undefined;
  /** Undefined when its trace is not recorded. */
  readonly sent: { readonly all: readonly TracedAttempt[] } | undefined;
}

export interface TracedAttempt {
  readonly spanId: string;
  /** Scheme, host and port of the upstream. */
  readonly origin: string;
  readonly startedAt: number;
  /** Of its head, or of what came instead; undefined when nothing came. */
  readonly endedAt: number | undefined;
  /** 0 without an answer. */
  readonly status: number;
  readonly error: string | undefined;
}

/** What a trace tells of a token request that is over. */
export interface TracedFlight {
  readonly credential: string;
  readonly tenant?: string | undefined;
  readonly reason: string;
  readonly outcome: string;
  /** Of a failure. */
  readonly kind?: string | undefined;
  /** Milliseconds it took, until now. */
  readonly tookMs: number;
}

/** Where a span belongs. */
export interface SpanPlace {
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for the first of a trace. */
  readonly parent?: { readonly spanId: string; readonly isRemote: boolean } | undefined;
}

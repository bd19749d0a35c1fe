/** One time that an exchange was sent upstream. Times are ms on the monotonic clock. */
export interface SentAttempt {
  /** What the upstream was told as its parent: 16 hex digits. */
  readonly spanId: string;
  /** Scheme, host and port of the upstream. */
  readonly origin: string;
  readonly startedAt: number;
  /** When its head came, or it failed, or another took its place; undefined while none of these happened. */
  endedAt: number | undefined;
  /** 0 until its head came. */
  status: number;
  /** Why there was no answer. */
  error: string | undefined;
}

/** The attempts of an exchange whose trace is recorded. */
export class SentAttempts {
  readonly all: SentAttempt[] = [];
  readonly #newSpanId: () => string;

  constructor(newSpanId: () => string) {
    this.#newSpanId = newSpanId;
  }

  /** Notes one that starts now; gives its span id. */
  begin(now: number, origin: string): string {
    const spanId = this.#newSpanId();
    this.#end(now);
    this.all.push({ spanId, origin, startedAt: now, endedAt: undefined, status: 0, error: undefined });
    return spanId;
  }

  /** The head of the last one has come. */
  answered(status: number, now: number): void {
    this.#end(now);
    const last = this.all.at(-1);
    if (last !== undefined) last.status = status;
  }

  /** The last one has failed. */
  failed(error: string, now: number): void {
    this.#end(now);
    const last = this.all.at(-1);
    if (last !== undefined) last.error = error;
  }

  #end(now: number): void {
    const last = this.all.at(-1);
    if (last !== undefined) last.endedAt ??= now;
  }
}

/** What may be logged of an exchange: no field values, no paths, no queries. */
export interface ExchangeLine {
  /** Letters, digits and `._~:/+=@-`. */
  readonly id: string;
  /** Hex digits. */
  readonly trace_id: string;
  /** Hex digits. */
  readonly span_id: string;
  /** Whether `id` or `trace_id` was chosen by the caller. */
  readonly isGiven: boolean;
  readonly method: string;
  readonly route?: string | undefined;
  readonly credential?: string | undefined;
  readonly caller?: string | undefined;
  readonly status: number;
  /** Milliseconds from the request's head to the end of the exchange. */
  readonly ms: number;
  readonly upstream_ms?: number | undefined;
  readonly token?: string | undefined;
  readonly retry?: string | undefined;
  /** Why it was sent again with the same token. */
  readonly resent?: string | undefined;
  readonly aborted?: string | undefined;
  /** Of a WebSocket: what ended it. */
  readonly tunnel?: string | undefined;
  readonly error?: string | undefined;
  /** Code of the underlying error, never its message. */
  readonly cause?: string | undefined;
  /** The share of its like that is logged, 0 to 1; undefined where all are. */
  readonly sample_rate?: number | undefined;
}

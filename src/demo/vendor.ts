import type { IssuedToken } from './ledger.ts';
import type { Answer, VendorRequest } from './message.ts';

/** One request as it arrived at a vendor. */
export interface SeenRequest {
  readonly method: string;
  /** Raw path and query. */
  readonly path: string;
  /** Flat [name, value, …] as received. */
  readonly headers: readonly string[];
  /** Empty for bodies the vendor streams. */
  body: string;
  /** The status answered; 0 while there is none. */
  status: number;
  /** The other side left before the answer was complete. */
  aborted: boolean;
}

/** How token calls fail. */
export interface TokenFailure {
  /** How many of the next token calls fail. Default: 1. */
  readonly count?: number;
  /**
   * `answer`: with `status`. `reset`: the connection is cut and nothing has happened. `lost`: the request takes
   * effect, then the connection is cut. Default: answer.
   */
  readonly how?: 'answer' | 'reset' | 'lost';
  /** Default: 503. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A simulated vendor, listening on loopback, and the handles to make its life hard. */
export interface Vendor {
  readonly name: string;
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** Calls that ask for tokens, sessions or other credentials; what the bearer of a token asks for is among them. */
  readonly tokenCalls: number;
  readonly apiCalls: number;
  /** How many API calls were answered 401. */
  readonly refusals: number;
  /** How many logins were completed: by a person on the login pages, at Rev also with apiKey and secret. */
  readonly logins: number;
  /** The last 10,000 requests, oldest first. */
  readonly seen: readonly SeenRequest[];
  /** What routes.yaml needs from the environment to reach this vendor: address and credentials. */
  readonly env: Readonly<Record<string, string>>;
  /** Every access token becomes invalid; refresh tokens stay. */
  revokeAll(): void;
  /** Every access token reaches the end of its life now. */
  expireAll(): void;
  /** While on, the API refuses every token. */
  refuseAll(on: boolean): void;
  /** Lifetime of the access tokens issued from now on. */
  setLifetime(seconds: number): void;
  /** The next token calls fail; a number stands for that many 503s. */
  failTokens(failure: number | TokenFailure): void;
  /** Every token call takes this many milliseconds longer. */
  delayTokens(ms: number): void;
  /** Every token call takes effect at once and is answered this many milliseconds later. */
  holdTokens(ms: number): void;
  close(): Promise<void>;
}

/** What a vendor has besides the handles of every vendor. */
export type OwnHandles<V extends Vendor> = Omit<V, keyof Vendor>;

/** What makes a vendor this vendor. */
export interface Definition<H extends object = object> {
  readonly name: string;
  readonly tokenPath: string;
  /** Environment of a proxy in front of `url`. */
  env(url: string): Record<string, string>;
  /** Answers a POST to the token endpoint. */
  token(request: VendorRequest): Answer;
  /** The token that lets the request in, or the vendor's refusal. */
  authorize(request: VendorRequest): IssuedToken | Answer;
  /** The vendor's way to say that something is wrong. */
  error(status: number, message: string): Answer;
  readonly endpoints: readonly Endpoint[];
  /** Completed logins. Default: none. */
  logins?(): number;
  /** Put on the vendor, getters as getters; they may replace those of every vendor. */
  readonly handles?: H;
}

export interface Endpoint {
  readonly method: string;
  readonly path: RegExp;
  /** The endpoint reads the body itself; the token is checked before a byte of it is read. */
  readonly streams?: true;
  /** WebSocket handshakes come with their connection; elsewhere they are read as plain requests (RFC 9110 §7.8). */
  readonly upgrades?: true;
  /** No token needed: the endpoint is not part of the API. */
  readonly open?: true;
  /** Counts, fails and waits as the token endpoint does. */
  readonly issues?: true;
  /** `found` holds the groups of `path`. */
  answer(request: VendorRequest, token: IssuedToken, found: readonly string[]): Answer | Promise<Answer>;
}

export interface VendorOptions {
  /** Milliseconds since the Unix epoch. Default: the machine's clock. */
  readonly now?: () => number;
  /** Default: one the system chooses. */
  readonly port?: number;
}

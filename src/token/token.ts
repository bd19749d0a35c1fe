import { createHash } from 'node:crypto';
import { inspect } from 'node:util';

/** One access token, as the gateway sees it. The value itself is private: nothing that prints a Token shows it. */
export class Token {
  /** Rises when the value changes. */
  readonly gen: number;
  /** When the token request was sent, on both clocks (ms). */
  readonly t0Mono: number;
  readonly t0Wall: number;
  /** Milliseconds from t0 to true expiry. */
  readonly lifetimeMs: number;
  /** Ages (ms from t0) at which SOFT and HARD begin; refreshAt <= hardAt <= lifetimeMs. */
  readonly refreshAt: number;
  readonly hardAt: number;
  /** Kept alive by its use: prolonged, and only while somebody uses it. */
  readonly sliding: boolean;
  readonly #value: string;
  readonly #fields: readonly string[];
  readonly #answer: Readonly<Record<string, string>> | undefined;
  readonly #hash: string;

  constructor(init: {
    gen: number;
    t0Mono: number;
    t0Wall: number;
    lifetimeMs: number;
    refreshAt: number;
    hardAt: number;
    value: string;
    fields: readonly string[];
    answer?: Readonly<Record<string, string>> | undefined;
    sliding?: boolean | undefined;
  }) {
    this.gen = init.gen;
    this.t0Mono = init.t0Mono;
    this.t0Wall = init.t0Wall;
    this.lifetimeMs = init.lifetimeMs;
    this.refreshAt = init.refreshAt;
    this.hardAt = init.hardAt;
    this.sliding = init.sliding === true;
    this.#value = init.value;
    this.#fields = Object.freeze([...init.fields]);
    this.#answer = init.answer;
    this.#hash = hashOf(init.value);
  }

  /** The fields that carry the token, flat: [name, value, name, value, …]. */
  get fields(): readonly string[] {
    return this.#fields;
  }

  /**
   * What the answer it came in says at its top level, as texts. May hold further secrets. Undefined when it came out of
   * a store.
   */
  get answer(): Readonly<Record<string, string>> | undefined {
    return this.#answer;
  }

  /** The value itself. Call it only where it is sent to its own provider or shown to its owner. */
  reveal(): string {
    return this.#value;
  }

  /** SHA-256 of the value, hex: to compare values without keeping them. Its first 8 characters may be logged. */
  get hash(): string {
    return this.#hash;
  }

  [inspect.custom](): string {
    return `Token(gen ${this.gen}, ${this.#hash.slice(0, 8)})`;
  }
}

/** SHA-256 of a token's value, hex. */
export function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

/** Which token is meant, without its value. */
export type TokenId = Pick<Token, 'gen' | 'hash'>;

/** What the gateway needs of a credential. */
export interface TokenSource {
  /**
   * The current token: at once when one may be served, else when the flight ends.
   * Throws or rejects with CupbearerError (token-*, reauthorization-required). Never an expired token.
   * `signal` ends only this wait, never the flight.
   */
  acquire(signal?: AbortSignal): Token | Promise<Token>;
  /**
   * Reports that `origin` refused `token`. Resolves to a token with another value that is worth one replay,
   * or undefined: pass the upstream's answer through. Never rejects.
   */
  rejected(token: TokenId, origin: string, signal?: AbortSignal): Promise<Token | undefined>;
  /** Reports any answer of `origin` that did not refuse `token`: resets the 401 guard. Cheap; called per exchange. */
  accepted(token: TokenId, origin: string): void;
}

/** A credential whose token requests are made here, on behalf of others. */
export interface TokenOwner extends TokenSource {
  /** The token that is served, whatever its age; undefined when there is none or when it was refused. */
  readonly serving: Token | undefined;
  /** Somebody has used its token without asking here: what is used is renewed ahead of its end. */
  used(): void;
}

import type { Clock } from './clock.ts';
import type { FlightReason } from './flight.ts';
import type { Granted, Wanted } from './grant.ts';
import { ageOf, endless, isEndless, type Region, regionOf, serveUntil, thresholds } from './region.ts';
import { hashOf, Token, type TokenId } from './token.ts';

const rememberedRefusals = 4;
const minNoopMs = 5_000;

/** The token in force: its region, who takes it and who refused it. Knows nothing of how tokens are fetched. */
export class CurrentToken {
  readonly #clock: Clock;
  readonly #changed: (token: Token | undefined) => void;
  #token: Token | undefined;
  #gen = 0;
  /** The token is FRESH while both clocks are below these. */
  #freshMono = -Infinity;
  #freshWall = -Infinity;
  /** An upstream refused it, its renewal is due, and no other origin takes it. */
  #rejected = false;
  /** Origins that did not refuse the last token they were sent. */
  readonly #acceptedBy = new Set<string>();
  /** Hashes of the last values that were refused. */
  #refused: readonly string[] = [];
  #renewNotBefore = -Infinity;

  /** `changed` is told the token to be served whenever that changes, undefined when there is none. */
  constructor(clock: Clock, changed: (token: Token | undefined) => void = () => {}) {
    this.#clock = clock;
    this.#changed = changed;
  }

  get token(): Token | undefined {
    return this.#token;
  }

  get rejected(): boolean {
    return this.#rejected;
  }

  /** Whether a value of this SHA-256 was refused lately. */
  wasRefused(hash: string): boolean {
    return this.#refused.includes(hash);
  }

  /** The token, unless it was refused. */
  get serving(): Token | undefined {
    return this.#rejected ? undefined : this.#token;
  }

  /** There is a token that was not refused. */
  get isServing(): boolean {
    return this.serving !== undefined;
  }

  /** What a flight should bring. */
  wanted(reason: FlightReason, mono: number, wall: number, mayRepeat: boolean): Wanted {
    const token = this.#token;
    const serving = token !== undefined && this.isServing && ageOf(token, mono, wall) < serveUntil(token);
    const unwanted = (hash: string) => hash === token?.hash || this.wasRefused(hash);
    return { reason, serving, mayRepeat, unwanted };
  }

  /** Monotonic ms before which a renewal is pointless: the last one brought nothing new. */
  get renewNotBefore(): number {
    return this.#renewNotBefore;
  }

  /** The token while it may be served without a further thought. */
  fresh(mono: number, wall: number): Token | undefined {
    return mono < this.#freshMono && wall < this.#freshWall ? this.#token : undefined;
  }

  region(mono: number, wall: number): Region | 'NONE' | 'REJECTED' {
    if (!this.#token) return 'NONE';
    const region = regionOf(this.#token, ageOf(this.#token, mono, wall));
    return this.#rejected && region !== 'EXPIRED' ? 'REJECTED' : region;
  }

  /** `origin` refused the token. */
  refusedBy(origin: string): void {
    this.#acceptedBy.delete(origin);
  }

  /** Remembers the value as refused; no longer serves it unless another origin takes it. */
  reject(): void {
    const hash = this.#token?.hash;
    if (hash === undefined) return;
    if (!this.#refused.includes(hash)) this.#refused = [...this.#refused, hash].slice(-rememberedRefusals);
    if (this.#acceptedBy.size > 0) return;
    this.#rejected = true;
    this.#freshMono = -Infinity;
    this.#changed(undefined);
  }

  /** `origin` took `token`; true when that is news. A rejected token that somebody takes is served again. */
  acceptedBy(token: TokenId, origin: string): boolean {
    if (token.gen !== this.#token?.gen || this.#acceptedBy.has(origin)) return false;
    if (token.hash !== this.#token.hash) return false;
    this.#acceptedBy.add(origin);
    if (this.#rejected) this.#serve(this.#token);
    return true;
  }

  /**
   * Makes what was granted the token in force, unless its value was refused before and the present one still serves.
   * The generation rises only with another value; `news` says whether it did, or whether the token was prolonged.
   */
  commit(granted: Granted): { token: Token; news: boolean } {
    const mono = this.#clock.mono();
    const wall = this.#clock.wall();
    const current = this.#token;
    const hash = hashOf(granted.value);
    const same = hash === current?.hash;
    // A key that is in the configuration is there for a reason.
    if (
      current &&
      !same &&
      !isEndless(granted) &&
      this.#refused.includes(hash) &&
      ageOf(current, mono, wall) < serveUntil(current)
    ) {
      this.#serve(current);
      this.#postpone(current, mono, wall);
      return { token: current, news: false };
    }
    const token = new Token({
      ...granted,
      ...(isEndless(granted)
        ? endless
        : thresholds(granted.lifetimeMs, granted.renewAfterMs, this.#clock.random())),
      gen: same ? current.gen : ++this.#gen,
    });
    this.#serve(token);
    if (same && !granted.sliding) {
      this.#postpone(token, mono, wall);
      return { token, news: false };
    }
    this.#renewNotBefore = -Infinity;
    this.#refused = this.#refused.filter((refused) => refused !== hash);
    return { token, news: true };
  }

  /** Forgets the token, which is no longer good, and gives it. */
  drop(): Token | undefined {
    const token = this.#token;
    this.#token = undefined;
    this.#rejected = false;
    this.#freshMono = -Infinity;
    this.#acceptedBy.clear();
    if (token !== undefined) this.#changed(undefined);
    return token;
  }

  /** Takes a dropped token back, unless another came meanwhile. */
  restore(token: Token): void {
    if (this.#token === undefined) this.#serve(token);
  }

  /** A renewal may start at once again, and whoever was told that there is no token may ask again. */
  forgetNoop(): void {
    this.#renewNotBefore = -Infinity;
    if (!this.isServing) this.#changed(undefined);
  }

  #serve(token: Token): void {
    this.#token = token;
    this.#rejected = false;
    this.#freshMono = token.t0Mono + token.refreshAt;
    this.#freshWall = token.t0Wall + token.refreshAt;
    this.#changed(token);
  }

  #postpone(token: Token, mono: number, wall: number): void {
    this.#renewNotBefore = mono + Math.max(minNoopMs, (token.lifetimeMs - ageOf(token, mono, wall)) / 2);
  }
}

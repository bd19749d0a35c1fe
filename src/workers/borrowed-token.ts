import { CupbearerError } from '../errors.ts';
import type { Clock } from '../token/clock.ts';
import { stopped, timedOut, tokenError } from '../token/failure.ts';
import type { Flight } from '../token/flight.ts';
import type { NoteSecret } from '../token/live-secrets.ts';
import { ageOf, serveUntil } from '../token/region.ts';
import type { Token, TokenId, TokenSource } from '../token/token.ts';
import { worthReplay } from '../token/worth-replay.ts';
import { askOwner, type Got, type Owner } from './owner.ts';
import { Refusals } from './refusals.ts';
import {
  type EpochSubject,
  type Question,
  type Reply,
  receivedError,
  receivedToken,
  type SentToken,
} from './token-messages.ts';

export interface BorrowedTokenInit {
  readonly subject: EpochSubject;
  readonly clock: Clock;
  readonly owner: Owner;
  /** Is told every token's value before it is used. */
  readonly note: NoteSecret;
}

/** How long a caller waits, ms: a little longer than the owner lets us wait, whose answer says more. */
const waitMs = 11_000;
/** Between two questions while there is a token to serve, ms. */
const softAskMs = 1_000;
/** How long it holds, ms, that there is nothing better than a HARD token, or no token. */
const hardMs = 250;
const failedMs = 100;
/** How long an answer may have been on its way to bring what had expired when it was sent, ms. */
const onWayMs = 1_000;
/** Between two reports that a token is in use, ms. */
const usedMs = 2_000;

/**
 * A credential's token in a process that does not have the credential: a copy of what its owner serves. What is fresh is
 * served at once; for the rest the owner is asked, once for all who wait.
 */
export class BorrowedToken implements TokenSource {
  readonly #subject: EpochSubject;
  readonly #clock: Clock;
  readonly #owner: Owner;
  readonly #note: NoteSecret;
  #token: Token | undefined;
  /** The token is FRESH while both clocks are below these. */
  #freshMono = -Infinity;
  #freshWall = -Infinity;
  #tellUseMono = -Infinity;
  #asking: Flight<Token> | undefined;
  /** Before these, monotonic ms, the owner is not asked again: in SOFT; in HARD; when there is no token. */
  #softAskMono = -Infinity;
  #hardAskMono = -Infinity;
  #failed: { readonly error: CupbearerError; readonly untilMono: number } | undefined;
  /** The generation that each origin has taken, as far as the owner was told. */
  readonly #taken = new Map<string, number>();
  readonly #refusals: Refusals;

  constructor({ subject, clock, owner, note }: BorrowedTokenInit) {
    this.#subject = subject;
    this.#clock = clock;
    this.#owner = owner;
    this.#note = note;
    this.#refusals = new Refusals(clock, (...refused) => this.#refuse(...refused));
  }

  acquire(signal?: AbortSignal): Token | Promise<Token> {
    const mono = this.#clock.mono();
    const wall = this.#clock.wall();
    if (mono < this.#freshMono && wall < this.#freshWall) {
      if (mono >= this.#tellUseMono) this.#tellUse(mono);
      return this.#token as Token;
    }
    return this.#acquire(mono, wall, signal);
  }

  #acquire(mono: number, wall: number, signal: AbortSignal | undefined): Token | Promise<Token> {
    const token = this.#token;
    const age = token === undefined ? Infinity : ageOf(token, mono, wall);
    const left = token === undefined ? 0 : serveUntil(token) - age;
    const { closed } = this.#owner;
    if (token && age < token.hardAt) {
      if (!this.#asking && !closed && mono >= this.#softAskMono) this.#ask(mono);
      return token;
    }
    if (token && left > 0) {
      if (!this.#asking && (closed || mono < this.#hardAskMono)) return token;
      return this.#awaited(this.#asking ?? this.#ask(mono), signal, Math.min(waitMs, (left * 3) / 4));
    }
    if (closed) throw tokenError(this.#subject, stopped);
    if (!this.#asking && this.#failed && mono < this.#failed.untilMono) throw this.#failed.error;
    return this.#awaited(this.#asking ?? this.#ask(mono), signal, waitMs);
  }

  /** What the owner answers; when that is an error, the token at hand while it still serves. */
  async #awaited(flight: Flight<Token>, signal: AbortSignal | undefined, ms: number): Promise<Token> {
    const since = this.#clock.mono();
    try {
      return await flight.join(ms, () => this.#late(), signal);
    } catch (error) {
      if (signal?.aborted) throw error;
      const mono = this.#clock.mono();
      const token = this.#token;
      if (token && ageOf(token, mono, this.#clock.wall()) < serveUntil(token)) return token;
      // Whoever came later than the one whose wait is over may wait on.
      const left = ms - (mono - since);
      if (!isLate(error) || left <= waitMs / 10 || this.#owner.closed) throw error;
      return this.#awaited(this.#asking ?? this.#ask(mono), signal, left);
    }
  }

  #ask(mono: number): Flight<Token> {
    this.#softAskMono = mono + softAskMs;
    this.#asking = this.#launch<Token>(
      { kind: 'token-ask', ...this.#subject },
      (flight, { token, error = this.#late() }) => {
        this.#asking = undefined;
        if (token !== undefined) {
          flight.succeed(token);
          return;
        }
        if (!isLate(error)) this.#failed = { error, untilMono: this.#clock.mono() + failedMs };
        flight.fail(error);
      },
    );
    return this.#asking;
  }

  rejected(token: TokenId, origin: string, signal?: AbortSignal): Promise<Token | undefined> {
    return worthReplay(token, () => this.#replacement(token, origin, signal), signal);
  }

  #replacement(
    refused: TokenId,
    origin: string,
    signal: AbortSignal | undefined,
  ): Token | Promise<Token | undefined> | undefined {
    const token = this.#token;
    if (token && (refused.gen < token.gen || refused.hash !== token.hash)) return this.acquire(signal);
    this.#taken.delete(origin);
    if (this.#owner.closed) return undefined;
    return this.#refusals.report(refused, origin)?.join(waitMs, () => this.#late(), signal);
  }

  #refuse({ gen, hash }: TokenId, origin: string, answered: (token: Token | undefined) => void) {
    const question = { kind: 'token-refused', ...this.#subject, gen, hash, origin } as const;
    return this.#launch<Token | undefined>(question, (flight, { token }) => {
      answered(token);
      flight.succeed(token);
    });
  }

  accepted(token: TokenId, origin: string): void {
    if (this.#taken.get(origin) === token.gen) return;
    if (this.#token !== undefined && this.#token.gen !== token.gen) return;
    this.#taken.set(origin, token.gen);
    this.#owner.tell({ kind: 'token-taken', ...this.#subject, gen: token.gen, hash: token.hash, origin });
  }

  /** The owner says what is to be served from now on; null: nothing that it has sent before. */
  replace(sent: SentToken | null): void {
    if (sent === null) this.drop();
    else this.#serve(sent);
  }

  /** Serves nothing before the owner was asked again. */
  drop(): void {
    this.#token = undefined;
    this.#freshMono = -Infinity;
    this.#failed = undefined;
    this.#taken.clear();
  }

  /** Ends what is waited for. */
  end(): void {
    this.#asking?.end();
    this.#refusals.end();
  }

  /** Whose token it is; the epoch is that since which it is what it is. */
  get subject(): EpochSubject {
    return this.#subject;
  }

  /** Must not be forgotten now. */
  get pinned(): boolean {
    return this.#asking !== undefined || this.#refusals.pending;
  }

  #launch<T>(question: Question, landed: (flight: Flight<T>, got: Got) => void): Flight<T> {
    const read = (reply: Reply) => this.#received(reply);
    const late = () => this.#late();
    return askOwner({ clock: this.#clock, owner: this.#owner, question, read, late, landed });
  }

  /** The token of a reply, unless it expired on its way. One that had when it came goes to those who waited for it. */
  #received({ token: sent, error }: Reply): Got {
    if (!sent) return { token: undefined, error: error && receivedError(error) };
    const token = this.#serve(sent);
    const mono = this.#clock.mono();
    const age = ageOf(token, mono, this.#clock.wall());
    // The owner serves it although it is HARD: it cannot do better now.
    if (age >= token.hardAt) this.#hardAskMono = mono + hardMs;
    const hadExpired = sent.ageMs >= serveUntil(sent) && age - sent.ageMs < onWayMs;
    const isGood = age < serveUntil(token) || hadExpired;
    return { token: isGood ? token : undefined, error: undefined };
  }

  #serve(sent: SentToken): Token {
    this.#note(sent.value);
    this.#failed = undefined;
    const known = this.#token;
    if (known && isSame(known, sent)) return known;
    const token = receivedToken(sent, this.#clock);
    this.#token = token;
    this.#freshMono = token.t0Mono + token.refreshAt;
    this.#freshWall = token.t0Wall + token.refreshAt;
    this.#softAskMono = -Infinity;
    this.#hardAskMono = -Infinity;
    this.#tellUseMono = -Infinity;
    return token;
  }

  #tellUse(mono: number): void {
    this.#tellUseMono = mono + usedMs;
    // What an origin took, it may have refused in another process since.
    this.#taken.clear();
    this.#owner.tell({ kind: 'token-used', ...this.#subject });
  }

  #late(): CupbearerError {
    return tokenError(this.#subject, this.#owner.closed ? stopped : timedOut, { waited: true });
  }
}

function isSame(token: Token, sent: SentToken): boolean {
  const { gen, t0Wall, lifetimeMs } = token;
  return (
    gen === sent.gen &&
    t0Wall === sent.t0Wall &&
    lifetimeMs === sent.lifetimeMs &&
    token.reveal() === sent.value
  );
}

function isLate(error: unknown): boolean {
  return error instanceof CupbearerError && error.code === 'token-timeout';
}

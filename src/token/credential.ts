import type { CupbearerError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { CurrentToken } from './current.ts';
import type { Subject, TokenChanged, TokenEvents } from './events.ts';
import { stopped, timedOut, tokenError } from './failure.ts';
import { Flight, type FlightReason } from './flight.ts';
import type { Grant, GrantOutcome } from './grant.ts';
import { Guard } from './guard.ts';
import { Pace } from './pace.ts';
import { ageOf, isInUse, serveUntil } from './region.ts';
import type { Revocation } from './revocation.ts';
import { type RevokeWork, whileRevoking } from './revoking.ts';
import { type Settled, settle } from './settle.ts';
import type { Token, TokenId, TokenOwner } from './token.ts';
import { type CredentialView, viewOf } from './view.ts';
import { worthReplay } from './worth-replay.ts';

export interface CredentialInit extends Subject {
  readonly clock: Clock;
  readonly grant: Grant;
  readonly events: TokenEvents;
  readonly changed?: TokenChanged | undefined;
}

const waitMs = 10_000;
const youngMs = 2_000;

/**
 * The life of one credential's token: what is served, when it is renewed, what a refusal upstream leads to.
 * At most one token request is in progress at a time; how close they may start is said by Pace.
 */
export class Credential implements TokenOwner {
  readonly #subject: Subject;
  readonly #clock: Clock;
  readonly #grant: Grant;
  readonly #events: TokenEvents;
  readonly #guard: Guard;
  readonly #current: CurrentToken;
  readonly #pace: Pace;
  readonly #parts: Settled;
  #usedMono = -Infinity;
  #verifiedMono = -Infinity;
  #flight: Flight<Token> | undefined;
  #draining = false;
  /** A login came while a flight was under way. */
  #isReplaced = false;
  /** A revocation is under way. */
  #held: Promise<unknown> | undefined;

  constructor({ credential, tenant, clock, grant, events, changed }: CredentialInit) {
    this.#subject = tenant === undefined ? { credential } : { credential, tenant };
    this.#clock = clock;
    this.#grant = grant;
    this.#events = events;
    this.#guard = new Guard(clock);
    this.#current = new CurrentToken(clock, changed && ((token) => changed(this.#subject, token, this)));
    this.#pace = new Pace(clock);
    this.#parts = { subject: this.#subject, clock, current: this.#current, pace: this.#pace, events };
  }

  acquire(signal?: AbortSignal): Token | Promise<Token> {
    const mono = this.#clock.mono();
    const wall = this.#clock.wall();
    this.#usedMono = mono;
    return this.#current.fresh(mono, wall) ?? this.#acquire(mono, wall, signal);
  }

  get serving(): Token | undefined {
    return this.#current.serving;
  }

  used(): void {
    this.#usedMono = this.#clock.mono();
  }

  #acquire(mono: number, wall: number, signal: AbortSignal | undefined): Token | Promise<Token> {
    const { token } = this.#current;
    const region = this.#current.region(mono, wall);
    if (token && (region === 'FRESH' || region === 'SOFT')) {
      if (region === 'SOFT' && this.#mayRenew('soft', mono)) this.#start('soft', mono);
      return token;
    }
    if (token && region === 'HARD') {
      if (!this.#flight && !this.#mayRenew('hard', mono)) return token;
      const left = serveUntil(token) - ageOf(token, mono, wall);
      return this.#awaited(this.#flight ?? this.#start('hard', mono), signal, Math.min(waitMs, left / 2));
    }
    const { gate } = this.#pace;
    if (!this.#flight && gate && mono < gate.untilStarved) {
      throw tokenError(this.#subject, gate.failure, { retryAfterMs: gate.untilStarved - mono });
    }
    return this.#awaited(this.#flight ?? this.#start('cold', mono), signal, waitMs);
  }

  /** What the flight brings; when it fails, the old token while it still serves. */
  async #awaited(flight: Flight<Token>, signal: AbortSignal | undefined, ms: number): Promise<Token> {
    try {
      return await flight.join(ms, () => this.#late(), signal);
    } catch (error) {
      const { token } = this.#current;
      const region = this.#current.region(this.#clock.mono(), this.#clock.wall());
      if (signal?.aborted || !token || !['FRESH', 'SOFT', 'HARD'].includes(region)) throw error;
      return token;
    }
  }

  rejected(token: TokenId, origin: string, signal?: AbortSignal): Promise<Token | undefined> {
    return worthReplay(token, () => this.#replacement(token, origin, signal), signal);
  }

  #replacement(
    refused: TokenId,
    origin: string,
    signal: AbortSignal | undefined,
  ): Token | Promise<Token> | undefined {
    const { token } = this.#current;
    if (!token) return undefined;
    // Generations count anew in an instance that was forgotten meanwhile.
    if (refused.gen < token.gen || refused.hash !== token.hash) return this.acquire(signal);
    const mono = this.#clock.mono();
    const isAsked = this.#grant.configured === undefined;
    const young = isAsked && ageOf(token, mono, this.#clock.wall()) < youngMs;
    this.#current.refusedBy(origin);
    const tell = (action: 'forced' | 'joined' | 'guarded') =>
      this.#events.refused?.({ ...this.#subject, origin, gen: token.gen, action });
    if (this.#flight) {
      if (!young && this.#guard.allows(origin)) this.#current.reject();
      tell('joined');
      return this.#flight.join(waitMs, () => this.#late(), signal);
    }
    if (
      young ||
      mono < this.#pace.gatedUntil(this.#current.isServing) ||
      this.#draining ||
      !this.#guard.take(origin)
    ) {
      tell('guarded');
      return undefined;
    }
    this.#current.reject();
    tell('forced');
    return this.#start('force', mono).join(waitMs, () => this.#late(), signal);
  }

  accepted(token: TokenId, origin: string): void {
    if (this.#current.acceptedBy(token, origin)) this.#guard.accepted(origin);
  }

  /** Renews what has been used lately before it gets old; for a slow, shared tick. */
  tick(): void {
    const mono = this.#clock.mono();
    const { token } = this.#current;
    if (!token || !isInUse(token, this.#usedMono, mono)) return;
    const region = this.#current.region(mono, this.#clock.wall());
    if ((region === 'SOFT' || region === 'HARD') && this.#mayRenew('soft', mono)) this.#start('soft', mono);
  }

  /**
   * Once after each use: whether the token is still that of the stored session. One that another process has put in its
   * place is taken; of a session that was deleted nothing is served any more. A store that cannot be reached says nothing.
   */
  async verify(): Promise<void> {
    const { token } = this.#current;
    const isDue = this.#usedMono > this.#verifiedMono && !this.#flight && !this.#draining;
    if (!token || !isDue || this.#grant.stored === undefined) return;
    this.#verifiedMono = this.#clock.mono();
    const stored = await this.#grant.stored().catch(() => token.hash);
    if (this.#current.token !== token || this.#flight) return;
    if (stored === 'gone') this.#surrender();
    if (stored === 'gone' || stored === undefined || stored === token.hash) return;
    const mono = this.#clock.mono();
    if (!this.#current.wasRefused(stored) && this.#mayRenew('login', mono)) this.#start('login', mono);
  }

  /**
   * Forgets failures: the configuration or a secret has changed. A token in force stays, unless it is a key that the
   * configuration no longer has.
   */
  reset(): void {
    this.#pace.reset();
    this.#current.forgetNoop();
    const { token } = this.#current;
    if (token === undefined || this.#grant.configured?.(token.hash) !== false) return;
    if (!this.#flight && !this.#draining) this.#start('soft', this.#clock.mono());
  }

  /** A login has put another session into the store: it takes the place of the token at hand. */
  restart(): void {
    this.reset();
    if (this.#flight) this.#isReplaced = true;
    else if (this.#current.token && !this.#draining) this.#start('login', this.#clock.mono());
  }

  /** Renews now, or waits for the renewal under way, whatever failed before. The token in force is served meanwhile. */
  async renew(): Promise<void> {
    if (this.#draining && !this.#flight) throw tokenError(this.#subject, stopped);
    const flight = this.#flight ?? this.#start('manual', this.#clock.mono());
    await flight.join(waitMs, () => this.#late());
  }

  /**
   * Forgets the token and has it revoked by `work`; who needs one meanwhile waits until that is done. A token that could
   * not be revoked is taken back.
   */
  revoke(work: RevokeWork): Promise<Revocation> {
    const drop = () => this.#surrender();
    const restore = (token: Token) => this.#current.restore(token);
    return whileRevoking({ drop, restore }, work, (held) => {
      this.#held = held;
    });
  }

  #surrender(): Token | undefined {
    this.reset();
    return this.#current.drop();
  }

  /** Whether it waits for somebody to change something. */
  get blocked(): boolean {
    return this.#pace.gate?.blocked === true;
  }

  /** Resets a blocked credential whose secrets are no longer those that failed. */
  resetIfSecretsChanged(): void {
    const { gate } = this.#pace;
    if (gate?.blocked && gate.secrets !== this.#grant.secrets()) this.reset();
  }

  /** From now on valid tokens are served and no renewal starts, unless there is no token to serve. */
  drain(): void {
    this.#draining = true;
  }

  /**
   * Drains, and ends a token request in progress: whoever waits for it gets `shutting-down`. A request that must not be
   * cut, because its answer could not be had again, goes on to its end.
   */
  async close(): Promise<void> {
    this.drain();
    if (this.#grant.finish === undefined) this.#flight?.end();
    await this.#grant.finish?.();
  }

  /** Must not be forgotten now. */
  get pinned(): boolean {
    return this.#flight !== undefined || this.#grant.irreplaceable;
  }

  view(): CredentialView {
    return viewOf({ ...this.#parts, flight: this.#flight, draining: this.#draining });
  }

  /** Whether a renewal may start while there is a token to serve. */
  #mayRenew(reason: FlightReason, mono: number): boolean {
    if (this.#flight || this.#draining || mono < this.#current.renewNotBefore) return false;
    return this.#pace.allows(mono, this.#current.isServing, this.#due(reason));
  }

  /** The token whose own lifetime is the reason of a renewal. */
  #due(reason: FlightReason): Token | undefined {
    return reason === 'soft' || reason === 'hard' ? this.#current.serving : undefined;
  }

  #late(): CupbearerError {
    return tokenError(this.#subject, this.#grant.waitsFor ?? timedOut, { waited: true });
  }

  #start(reason: FlightReason, mono: number): Flight<Token> {
    const isAsked = this.#grant.configured === undefined;
    const startMono = isAsked ? this.#pace.start(mono, this.#due(reason)) : mono;
    const mayRepeat = this.#pace.gate === undefined;
    const wanted = this.#current.wanted(reason, startMono, this.#clock.wall(), mayRepeat);
    this.#flight = Flight.launch<GrantOutcome, Token>({
      clock: this.#clock,
      reason,
      epoch: this.#pace.epoch,
      delayMs: startMono - mono,
      timeoutMs: this.#grant.timeoutMs,
      run: async (signal) => {
        await this.#held;
        return this.#grant.request(signal, wanted);
      },
      late: () => ({ failure: this.#draining ? stopped : timedOut }),
      landed: (flight, outcome) => this.#landed(flight, outcome),
    });
    return this.#flight;
  }

  #landed(flight: Flight<Token>, outcome: GrantOutcome): void {
    if (this.#flight === flight) this.#flight = undefined;
    settle(flight, outcome, this.#parts);
    const isReplaced = this.#isReplaced;
    this.#isReplaced = false;
    if (isReplaced) this.restart();
  }
}

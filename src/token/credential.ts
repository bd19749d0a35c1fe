import { CupbearerError } from '../errors.ts';
import { type Gate, nextGate } from './backoff.ts';
import type { Clock } from './clock.ts';
import { CurrentToken } from './current.ts';
import type { Subject, TokenEvents } from './events.ts';
import { stopped, timedOut, tokenError } from './failure.ts';
import { Flight, type FlightReason } from './flight.ts';
import type { Grant, GrantOutcome } from './grants.ts';
import { Guard } from './guard.ts';
import { ageOf, serveUntil } from './region.ts';
import { hashOf, type Token, type TokenSource } from './token.ts';
import type { CredentialView } from './view.ts';

export interface CredentialInit extends Subject {
  readonly clock: Clock;
  readonly grant: Grant;
  readonly events: TokenEvents;
}

const waitMs = 10_000;
const paceMs = 1_000;
const youngMs = 2_000;
const idleMs = 600_000;

/**
 * The life of one credential's token: what is served, when it is renewed, what a refusal upstream leads to.
 * At most one token request is in progress at a time, and none starts within a second of the one before.
 */
export class Credential implements TokenSource {
  readonly #subject: Subject;
  readonly #label: string;
  readonly #clock: Clock;
  readonly #grant: Grant;
  readonly #events: TokenEvents;
  readonly #guard: Guard;
  readonly #current: CurrentToken;
  #usedMono = -Infinity;
  #startedMono = -Infinity;
  #flight: Flight<Token> | undefined;
  #gate: Gate | undefined;
  #epoch = 0;
  #draining = false;

  constructor({ credential, tenant, clock, grant, events }: CredentialInit) {
    this.#subject = tenant === undefined ? { credential } : { credential, tenant };
    this.#label = tenant === undefined ? credential : `${credential} (tenant ${tenant})`;
    this.#clock = clock;
    this.#grant = grant;
    this.#events = events;
    this.#guard = new Guard(clock);
    this.#current = new CurrentToken(clock);
  }

  acquire(signal?: AbortSignal): Token | Promise<Token> {
    const mono = this.#clock.mono();
    const wall = this.#clock.wall();
    this.#usedMono = mono;
    return this.#current.fresh(mono, wall) ?? this.#acquire(mono, wall, signal);
  }

  #acquire(mono: number, wall: number, signal: AbortSignal | undefined): Token | Promise<Token> {
    const { token } = this.#current;
    const region = this.#current.region(mono, wall);
    if (token && (region === 'FRESH' || region === 'SOFT')) {
      if (region === 'SOFT' && this.#mayRenew(mono)) this.#start('soft', mono);
      return token;
    }
    if (token && region === 'HARD') {
      if (!this.#flight && !this.#mayRenew(mono)) return token;
      const left = serveUntil(token) - ageOf(token, mono, wall);
      return this.#awaited(this.#flight ?? this.#start('hard', mono), signal, Math.min(waitMs, left / 2));
    }
    if (!this.#flight && this.#gate && mono < this.#gate.untilStarved) {
      throw tokenError(this.#label, this.#gate.failure, { retryAfterMs: this.#gate.untilStarved - mono });
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
      const serves = region === 'FRESH' || region === 'SOFT' || region === 'HARD';
      if (signal?.aborted || !token || !serves) throw error;
      return token;
    }
  }

  async rejected(token: Token, origin: string, signal?: AbortSignal): Promise<Token | undefined> {
    try {
      const next = await this.#replacement(token, origin, signal);
      return next?.hash === token.hash ? undefined : next;
    } catch (error) {
      if (error instanceof CupbearerError || signal?.aborted) return undefined;
      throw error;
    }
  }

  #replacement(
    refused: Token,
    origin: string,
    signal: AbortSignal | undefined,
  ): Token | Promise<Token> | undefined {
    const { token } = this.#current;
    if (!token || refused.gen > token.gen) return undefined;
    if (refused.gen < token.gen) return this.acquire(signal);
    const mono = this.#clock.mono();
    const young = ageOf(token, mono, this.#clock.wall()) < youngMs;
    this.#current.refusedBy(origin);
    const tell = (action: 'forced' | 'joined' | 'guarded') =>
      this.#events.refused?.({ ...this.#subject, origin, gen: token.gen, action });
    if (this.#flight) {
      if (!young && this.#guard.allows(origin)) this.#current.reject();
      tell('joined');
      return this.#flight.join(waitMs, () => this.#late(), signal);
    }
    if (young || mono < this.#gatedUntil() || this.#draining || !this.#guard.take(origin)) {
      tell('guarded');
      return undefined;
    }
    this.#current.reject();
    tell('forced');
    return this.#start('force', mono).join(waitMs, () => this.#late(), signal);
  }

  accepted(token: Token, origin: string): void {
    if (this.#current.acceptedBy(token, origin)) this.#guard.accepted(origin);
  }

  /** Renews what has been used lately before it gets old; for a slow, shared tick. */
  tick(): void {
    const mono = this.#clock.mono();
    const { token } = this.#current;
    if (!token || mono - this.#usedMono > token.hardAt - token.refreshAt + idleMs) return;
    const region = this.#current.region(mono, this.#clock.wall());
    if ((region === 'SOFT' || region === 'HARD') && this.#mayRenew(mono)) this.#start('soft', mono);
  }

  /** Forgets failures: the configuration or a secret has changed. A token in force stays. */
  reset(): void {
    this.#epoch++;
    this.#gate = undefined;
    this.#current.forgetNoop();
  }

  /** Whether it waits for somebody to change something. */
  get blocked(): boolean {
    return this.#gate?.blocked === true;
  }

  /** Resets a blocked credential whose secrets are no longer those that failed. */
  resetIfSecretsChanged(): void {
    if (this.#gate?.blocked && this.#gate.secrets !== this.#grant.secrets()) this.reset();
  }

  /** From now on valid tokens are served and no renewal starts, unless there is no token to serve. */
  drain(): void {
    this.#draining = true;
  }

  /** Drains, and ends a token request in progress: whoever waits for it gets `shutting-down`. */
  close(): void {
    this.drain();
    this.#flight?.end();
  }

  /** Must not be forgotten now. */
  get pinned(): boolean {
    return this.#flight !== undefined || this.#grant.irreplaceable;
  }

  view(): CredentialView {
    const mono = this.#clock.mono();
    const wall = this.#clock.wall();
    const { token } = this.#current;
    const retryInMs = Math.max(0, this.#gatedUntil() - mono);
    const waiting = retryInMs > 0 ? (this.blocked ? 'BLOCKED' : 'BACKOFF') : 'IDLE';
    return {
      ...this.#subject,
      region: this.#current.region(mono, wall),
      refresh: this.#flight ? 'IN_FLIGHT' : this.#draining ? 'DRAINING' : waiting,
      gen: token?.gen ?? 0,
      lifetimeLeftMs: token && Math.max(0, token.lifetimeMs - ageOf(token, mono, wall)),
      retryInMs,
      lastFailure: this.#gate?.failure,
      hadToken: token !== undefined,
    };
  }

  /** Whether a renewal may start while there is a token to serve. */
  #mayRenew(mono: number): boolean {
    if (this.#flight || this.#draining) return false;
    return mono >= Math.max(this.#gatedUntil(), this.#current.renewNotBefore, this.#startedMono + paceMs);
  }

  /** Monotonic ms before which failures let no token request start. */
  #gatedUntil(): number {
    if (!this.#gate) return -Infinity;
    const serving = this.#current.token && !this.#current.rejected;
    return serving ? this.#gate.untilServing : this.#gate.untilStarved;
  }

  #late(): CupbearerError {
    return tokenError(this.#label, timedOut, { waited: true });
  }

  #start(reason: FlightReason, mono: number): Flight<Token> {
    const startMono = Math.max(mono, this.#startedMono + paceMs);
    const mayRepeat = this.#gate === undefined;
    this.#startedMono = startMono;
    this.#flight = Flight.launch<GrantOutcome, Token>({
      clock: this.#clock,
      reason,
      epoch: this.#epoch,
      delayMs: startMono - mono,
      timeoutMs: this.#grant.timeoutMs,
      run: (signal) => this.#grant.request(signal, mayRepeat),
      late: () => ({ failure: this.#draining ? stopped : timedOut }),
      landed: (flight, outcome) => this.#landed(flight, outcome),
    });
    return this.#flight;
  }

  #landed(flight: Flight<Token>, outcome: GrantOutcome): void {
    if (this.#flight === flight) this.#flight = undefined;
    const mono = this.#clock.mono();
    const about = { ...this.#subject, reason: flight.reason, waiters: flight.waiters };
    if ('granted' in outcome) {
      const { value, t0Mono, lifetimeMs, lifetimeKnown, attempts, warnings } = outcome.granted;
      const { token, news } = this.#current.commit(outcome.granted);
      this.#gate = undefined;
      flight.succeed(token);
      const facts = { gen: token.gen, lifetimeMs, lifetimeKnown, attempts, warnings, tookMs: mono - t0Mono };
      const hash8 = hashOf(value).slice(0, 8);
      this.#events.fetched?.({ ...about, ...facts, hash8 });
      if (!news) this.#events.noop?.({ ...this.#subject, reason: flight.reason, hash8 });
      return;
    }
    const { failure, secrets = '' } = outcome;
    const gate = nextGate(this.#gate, failure, secrets, this.#clock);
    if (flight.epoch === this.#epoch) this.#gate = gate;
    const retryInMs = gate.untilStarved - mono;
    flight.fail(tokenError(this.#label, failure, { retryAfterMs: retryInMs, waited: true }));
    this.#events.failed?.({ ...about, failure, blocked: gate.blocked, retryInMs });
  }
}

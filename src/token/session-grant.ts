import type { CredentialConfig } from '../config/schema.ts';
import type { Provider } from '../provider/provider.ts';
import { readRefreshToken } from '../provider/response.ts';
import type { Session, SessionKey } from '../store/session.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { type Answered, type Endpoint, inside } from './endpoint.ts';
import { type Failure, stopped } from './failure.ts';
import type { Grant, GrantOutcome, Wanted } from './grant.ts';
import { target } from './grant-kinds.ts';
import { Lease } from './lease.ts';
import { pause, withLimit } from './pause.ts';
import { answerMs, Replay } from './replay.ts';
import { fingerprint } from './secrets.ts';
import { busy, overtaken, unanswered } from './session-failure.ts';
import { SessionReader } from './session-reader.ts';
import { advanced, withToken } from './session-record.ts';
import { Unsaved } from './unsaved.ts';
import { meaningOf } from './verdict.ts';

export interface SessionGrantInit {
  readonly config: CredentialConfig;
  readonly provider: Provider;
  readonly key: SessionKey;
  readonly clock: Clock;
  readonly endpoint: Endpoint;
  readonly store: Store;
  /** Whose leases these are; see `ownerName`. */
  readonly owner: string;
}

const flightMs = 60_000;
const leaseWaitMs = 25_000;
const saveWaitMs = 5_000;
const lastSaveMs = 30_000;
const pollMs = 250;
const polls = 3;

/**
 * Tokens by a refresh token that is kept in a store and may be good for one use only. Nothing that an answer brings is
 * used before it is stored; whoever is killed anywhere on the way leaves what the next one needs to go on.
 */
export class SessionGrant implements Grant {
  readonly timeoutMs = flightMs;
  readonly #init: SessionGrantInit;
  readonly #reader: SessionReader;
  readonly #unsaved: Unsaved;
  /** The head of an intent that was perhaps written, although nothing was sent after it. */
  #unsent: string | undefined;
  #replay: Replay | undefined;
  #waitsFor: Failure | undefined;
  #running: Promise<unknown> = Promise.resolve();
  readonly #ending = new AbortController();

  constructor(init: SessionGrantInit) {
    this.#init = init;
    this.#reader = new SessionReader(init);
    this.#unsaved = new Unsaved(init);
  }

  get irreplaceable(): boolean {
    return this.#unsaved.isPending;
  }

  get waitsFor(): Failure | undefined {
    return this.#waitsFor;
  }

  secrets(): string {
    return fingerprint(this.#init.config);
  }

  async finish(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    if (!this.#unsaved.isPending) return;
    const { signal, cancel } = withLimit(this.#init.clock, lastSaveMs);
    await this.#unsaved.wait(signal).catch(() => undefined);
    cancel();
  }

  async stored(): Promise<string | 'gone' | undefined> {
    const { store, key } = this.#init;
    return this.#reader.hash(await store.load(key));
  }

  request(signal: AbortSignal, wanted: Wanted): Promise<GrantOutcome> {
    // One after the other: a flight whose time is over may still be ending.
    const outcome = this.#running
      .then(() => this.#request(signal, wanted))
      .then(
        (done) => ('failure' in done ? { ...done, secrets: this.secrets() } : done),
        (error: unknown) => ({ failure: inside(error), secrets: this.secrets() }),
      );
    this.#running = outcome;
    return outcome;
  }

  async #request(signal: AbortSignal, wanted: Wanted): Promise<GrantOutcome> {
    const { store, key, owner, clock } = this.#init;
    this.#waitsFor = undefined;
    if (this.#ending.signal.aborted) return { failure: stopped };
    await this.#kept(signal, (limited) => this.#unsaved.wait(limited));
    const lease = new Lease({ store, key, owner, clock });
    const until = clock.mono() + leaseWaitMs;
    for (;;) {
      const stored = await store.load(key);
      const settled = this.#reader.settle(stored, wanted);
      if (settled !== undefined) return settled;
      if (await lease.take()) break;
      this.#waitsFor = busy;
      // A refresh token that is sent late could not be waited for.
      if (clock.mono() >= until || !(await this.#wait(lease.pollMs, signal))) {
        return { failure: this.#ending.signal.aborted ? stopped : busy };
      }
    }
    this.#waitsFor = undefined;
    try {
      return await this.#refresh(signal, wanted);
    } finally {
      await lease.end();
    }
  }

  /** Under the lease. */
  async #refresh(signal: AbortSignal, wanted: Wanted): Promise<GrantOutcome> {
    const { store, key, owner, clock, endpoint, provider } = this.#init;
    const stored = await store.load(key);
    const settled = this.#reader.settle(stored, wanted);
    if (settled !== undefined) return settled;
    const session = this.#reader.current(stored) as Session;
    const isUnsent = session.intent?.owner === owner && this.#unsent === session.head;
    const intent = isUnsent ? undefined : session.intent;
    const startedWall = intent?.startedWall ?? clock.wall();
    const known = this.#replay?.startedWall === startedWall ? this.#replay : undefined;
    const replay = known ?? new Replay(clock, provider.response.rotation, startedWall);
    this.#replay = replay;
    if (intent && !replay.isOpen && wanted.serving) return { failure: unanswered };
    const attempt: Session = { ...session, raw: undefined, intent: { owner, startedWall } };
    if (intent === undefined) this.#unsent = attempt.head;
    if (!(await store.compareAndSet(key, stored?.head, attempt))) return this.#adopt(wanted);
    this.#unsent = undefined;
    for (;;) {
      const answer = await this.#send(attempt, signal);
      const read = (one: Answered) => endpoint.read(one, [attempt.refresh_token]);
      const verdict = meaningOf(answer, read, provider);
      switch (verdict.kind) {
        case 'answered':
          this.#replay = undefined;
          return this.#commit(attempt, verdict.answer, signal, wanted);
        case 'dead':
          this.#replay = undefined;
          return this.#bury(attempt, verdict.failure, signal, wanted);
        case 'untouched':
          // One that went unanswered before still may have been taken.
          if (intent === undefined && !replay.isInQuestion) await this.#clearIntent(attempt);
          return { failure: verdict.failure };
        case 'unanswered': {
          const wait = replay.next(verdict.failure);
          if (wait === undefined || !(await this.#wait(wait, signal))) return { failure: verdict.failure };
        }
      }
    }
  }

  async #send({ refresh_token, login }: Session, signal: AbortSignal): Promise<Answered | Failure> {
    const { config, clock, endpoint, provider } = this.#init;
    const params = { grant_type: 'refresh_token', refresh_token, ...target(config) };
    const ask = { kind: 'refresh' as const, params, placeholders: login, secrets: [refresh_token] };
    const limit = withLimit(clock, answerMs(provider.response.rotation), signal);
    try {
      return await endpoint.send(ask, limit.signal);
    } finally {
      limit.cancel();
    }
  }

  /** A wait in which nothing is under way, so that it may be cut short: false. */
  #wait(ms: number, signal: AbortSignal): Promise<boolean> {
    return pause(this.#init.clock, ms, AbortSignal.any([signal, this.#ending.signal]));
  }

  /** Stores what an answer brought, as it came; then reads it, stores the token, and only then gives it away. */
  async #commit(
    session: Session,
    answer: Answered,
    signal: AbortSignal,
    wanted: Wanted,
  ): Promise<GrantOutcome> {
    const { store, key, clock, endpoint, provider } = this.#init;
    const next = advanced(session, readRefreshToken(provider, answer.body), answer);
    const kept = await this.#kept(signal, (limited) => this.#unsaved.keep(session.head, next, limited));
    if (!kept) return this.#adopt(wanted);
    const read = endpoint.read(answer, [session.refresh_token, next.refresh_token]);
    if ('failure' in read) return read;
    // From here on a restart finds all it needs: failing to store the token as it was read costs nothing.
    await store.compareAndSet(key, next.head, withToken(next, read.granted, clock.wall())).catch(() => false);
    return read;
  }

  /** Those who need the token are told soon that the store is away; storing goes on. */
  async #kept<T>(signal: AbortSignal, keep: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = withLimit(this.#init.clock, saveWaitMs, signal);
    try {
      return await keep(limit.signal);
    } finally {
      limit.cancel();
    }
  }

  /** Somebody else wrote the session: what they have is what counts. */
  async #adopt(wanted: Wanted): Promise<GrantOutcome> {
    const { store, key } = this.#init;
    return this.#reader.settle(await store.load(key), wanted) ?? { failure: overtaken };
  }

  /** The provider says that the refresh token is dead. Unless another is there by now, that is final. */
  async #bury(
    session: Session,
    failure: Failure,
    signal: AbortSignal,
    wanted: Wanted,
  ): Promise<GrantOutcome> {
    const { store, key } = this.#init;
    // Whoever was faster may not have written yet.
    for (let left = store.kind === 'memory' ? 1 : polls; left > 0; left--) {
      const stored = await store.load(key);
      if (stored?.head !== session.head) return this.#adopt(wanted);
      if (left > 1) await this.#wait(pollMs, signal);
    }
    const { intent: _intent, ...rest } = session;
    await store.compareAndSet(key, session.head, { ...rest, spent: failure.error });
    return { failure: { ...failure, kind: 'reauthorization' } };
  }

  /** When that fails, we still know that nothing is under way. */
  async #clearIntent({ intent: _intent, ...session }: Session): Promise<void> {
    const { store, key } = this.#init;
    this.#unsent = session.head;
    await store.compareAndSet(key, session.head, session).catch(() => false);
  }
}

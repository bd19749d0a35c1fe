import type { CupbearerError } from '../errors.ts';
import type { Clock } from '../token/clock.ts';
import { Flight } from '../token/flight.ts';
import type { Token } from '../token/token.ts';
import type { Noted, Question, Reply, Taken } from './token-messages.ts';

/** The way to the process that has the tokens. */
export interface Owner {
  /** It is gone, or we stop. */
  readonly closed: boolean;
  /**
   * Resolves to what `read` makes of the reply, or never. Calls it at once: what the owner says next must not be
   * overtaken. `signal`: nobody waits for it any more.
   */
  ask<T>(question: Question, read: (reply: Reply) => T, signal: AbortSignal): Promise<T>;
  tell(what: Taken | Noted): void;
}

/** What a reply says, once its token is in use. */
export interface Got {
  readonly token: Token | undefined;
  readonly error: CupbearerError | undefined;
}

interface Asking<T> {
  readonly clock: Clock;
  readonly owner: Owner;
  readonly question: Question;
  read(reply: Reply): Got;
  /** The error when there is no answer in time. */
  late(): CupbearerError;
  /** Has to call `succeed` or `fail`. */
  landed(flight: Flight<T>, got: Got): void;
}

/** How long an owner may be silent, ms. */
const silentMs = 15_000;

/** One question in progress, and those who wait for its answer. */
export function askOwner<T>({ clock, owner, question, read, late, landed }: Asking<T>): Flight<T> {
  return Flight.launch<Got, T>({
    clock,
    reason: 'cold',
    epoch: 0,
    delayMs: 0,
    timeoutMs: silentMs,
    run: (signal) => owner.ask(question, read, signal),
    late: () => ({ token: undefined, error: late() }),
    landed,
  });
}

import { CupbearerError, type ErrorCode } from '../errors.ts';
import type { Clock } from '../token/clock.ts';
import type { Subject } from '../token/events.ts';
import { ageOf } from '../token/region.ts';
import { Token, type TokenId } from '../token/token.ts';
import type { Message } from './channel.ts';

/** A credential or tenant of the configuration of that epoch, see Registry.at. */
export interface EpochSubject extends Subject {
  readonly epoch: number;
}

/** A worker asks for the token of a credential. From then on it is told every change, until it forgets it. */
export interface Ask extends Message, EpochSubject {
  readonly kind: 'token-ask';
  readonly id: number;
}

/** `origin` refused a token: is there a better one? */
export interface Refused extends Message, EpochSubject, TokenId {
  readonly kind: 'token-refused';
  readonly id: number;
  readonly origin: string;
}

/** `origin` took a token. */
export interface Taken extends Message, EpochSubject, TokenId {
  readonly kind: 'token-taken';
  readonly origin: string;
}

/** A worker has used the token of a credential, or no longer keeps it. */
export interface Noted extends Message, EpochSubject {
  readonly kind: 'token-used' | 'token-forgotten';
}

/** The token to be served from now on; null: none, what was sent before must not be served any more. Holds a secret. */
export interface Current extends Message, EpochSubject {
  readonly kind: 'token-current';
  readonly token: SentToken | null;
}

/** What a question asks, before it has its number. */
export type Question = Omit<Ask, 'id'> | Omit<Refused, 'id'>;

/** To an Ask: a token or an error; to a Refused: a token, or null when there is no better one. Holds a secret. */
export interface Reply {
  readonly token?: SentToken | null;
  readonly error?: SentError;
}

/** The reply to the question with this number. */
export interface Answer extends Message, Reply {
  readonly kind: 'token-answer';
  readonly id: number;
}

/**
 * A token on its way to another process of this machine: wall clocks are the same there, monotonic ones are not, so its
 * age goes with it, ms, on whichever clock says more.
 */
export interface SentToken
  extends Pick<Token, 'gen' | 't0Wall' | 'lifetimeMs' | 'refreshAt' | 'hardAt' | 'fields' | 'sliding'> {
  readonly ageMs: number;
  readonly value: string;
}

/** An error without its cause. */
export interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

/** A token as it is sent now. Holds a secret. */
export function sentToken(token: Token, clock: Clock): SentToken {
  const { gen, t0Wall, lifetimeMs, refreshAt, hardAt, fields, sliding } = token;
  const ageMs = ageOf(token, clock.mono(), clock.wall());
  return { gen, t0Wall, lifetimeMs, refreshAt, hardAt, fields, sliding, ageMs, value: token.reveal() };
}

/** A token as it is received now. How long it was on its way is for the wall clock to say. */
export function receivedToken({ ageMs, ...sent }: SentToken, clock: Clock): Token {
  return new Token({ ...sent, t0Mono: clock.mono() - ageMs });
}

/** An error as it is sent. What is none of ours says nothing of itself. */
export function sentError(error: unknown): SentError {
  if (!(error instanceof CupbearerError))
    return { code: 'internal', message: 'the process that has the tokens failed' };
  const { code, message, retryAfterMs } = error;
  return { code, message, retryAfterMs };
}

export function receivedError({ code, message, retryAfterMs }: SentError): CupbearerError {
  return new CupbearerError(code, message, retryAfterMs === undefined ? {} : { retryAfterMs });
}

import { CupbearerError } from '../errors.ts';
import type { Failure } from './failure.ts';
import type { TokenSource } from './token.ts';

/** Another credential's token, lent for one request. Holds a secret. */
export interface Loan {
  readonly value: string;
  /** The fields that carry it, flat. */
  readonly fields: readonly string[];
}

/** Where a credential gets the token of the one it uses. */
export interface Lender {
  /** Or why that credential has none. */
  borrow(signal: AbortSignal): Promise<Loan | Failure>;
  /** Another token, when one can be had, for one that was refused. */
  exchange(loan: Loan, signal: AbortSignal): Promise<Loan | undefined>;
}

/** Lends the tokens of credential `name`; refusals by `origin` count against them there. */
export function createLender(name: string, source: () => TokenSource, origin: string): Lender {
  return {
    async borrow(signal) {
      try {
        return lent(await source().acquire(signal));
      } catch (error) {
        if (!(error instanceof CupbearerError)) throw error;
        const { code, message, retryAfterMs } = error;
        const detail = `it uses the token of ${name}, which has none: ${message}`;
        return { kind: 'lender', error: code, code, detail, retryAfterMs };
      }
    },
    async exchange(loan, signal) {
      try {
        const from = source();
        const token = await from.acquire(signal);
        if (token.reveal() !== loan.value) return lent(token);
        const next = await from.rejected(token, origin, signal);
        return next && lent(next);
      } catch (error) {
        if (error instanceof CupbearerError) return undefined;
        throw error;
      }
    },
  };
}

function lent(token: { reveal(): string; readonly fields: readonly string[] }): Loan {
  return { value: token.reveal(), fields: token.fields };
}

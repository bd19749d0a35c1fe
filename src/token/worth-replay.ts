import { CupbearerError } from '../errors.ts';
import type { Token, TokenId } from './token.ts';

/**
 * The token that `find` gives, when it has another value than the refused one and so is worth one replay. That none is to
 * be had (CupbearerError), or that `signal` has ended the wait, is undefined; rejects with any other error.
 */
export async function worthReplay(
  refused: TokenId,
  find: () => Token | Promise<Token | undefined> | undefined,
  signal: AbortSignal | undefined,
): Promise<Token | undefined> {
  try {
    const next = await find();
    return next?.hash === refused.hash ? undefined : next;
  } catch (error) {
    if (error instanceof CupbearerError || signal?.aborted) return undefined;
    throw error;
  }
}

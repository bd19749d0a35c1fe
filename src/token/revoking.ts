import type { Revocation } from './revocation.ts';
import type { Token } from './token.ts';

/** Has a token revoked, or the session of none. */
export type RevokeWork = (token: Token | undefined) => Promise<Revocation>;

/**
 * Takes the token away while it is revoked; `hold` gets what token requests have to wait for meanwhile, and undefined at
 * the end. A token that could not be revoked is put back. Rejects as `work`.
 */
export async function whileRevoking(
  { drop, restore }: { readonly drop: () => Token | undefined; readonly restore: (token: Token) => void },
  work: RevokeWork,
  hold: (held: Promise<unknown> | undefined) => void,
): Promise<Revocation> {
  const token = drop();
  const working = work(token);
  hold(working.catch(() => undefined));
  try {
    const outcome = await working;
    // What a flight brought that was under way is revoked too.
    if (outcome.deleted || !outcome.failure) drop();
    else if (token) restore(token);
    return outcome;
  } finally {
    hold(undefined);
  }
}

import type { Provider } from '../provider/provider.ts';
import type { Session, SessionKey } from '../store/session.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { type Endpoint, inside, readStored } from './endpoint.ts';
import type { Failure } from './failure.ts';
import { Lease } from './lease.ts';
import { ownerName } from './owner.ts';
import { busy } from './session-failure.ts';
import { formerSeeds, isSuperseded, newHead, revokedMark, seedOf } from './session-record.ts';

/** What became of a credential's tokens. */
export interface Revocation {
  /** How many tokens the provider was told to revoke and accepted (RFC 7009 §2.2: unknown ones too). */
  readonly revoked: number;
  /** A session was deleted from the store. */
  readonly deleted: boolean;
  /** Why a token may still be good; undefined when all went well. */
  readonly failure: Failure | undefined;
  /** The provider has no revocation endpoint. */
  readonly unsupported: boolean;
}

export interface RevokeInit {
  readonly provider: Provider;
  readonly endpoint: Endpoint;
  /** The access token in force, if there is one. */
  readonly accessToken: string | undefined;
  /** Where the session is, of grants that have one: its tokens are revoked too, and it is deleted. */
  readonly session?: { readonly store: Store; readonly key: SessionKey } | undefined;
  /** The configured refresh token, if there is one. */
  readonly seed?: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type Hint = 'access_token' | 'refresh_token';

/** How long to wait for a renewal in progress, ms: what it brings is to be revoked too. */
const leaseWaitMs = 5_000;

/**
 * Revokes what a credential holds (RFC 7009 §2.1), its refresh token first. A session is deleted once its refresh token
 * is revoked, or the provider cannot revoke at all; until then it stays, so that revoking can be tried again. Rejects as
 * the store does.
 */
export async function revoke(init: RevokeInit): Promise<Revocation> {
  if (init.session === undefined) return revokeAll(init, undefined);
  const { session, clock, signal } = init;
  const lease = new Lease({ ...session, clock, owner: ownerName() });
  if (!(await lease.takeWithin(leaseWaitMs, signal)))
    return { revoked: 0, deleted: false, failure: busy, unsupported: false };
  try {
    return await revokeAll(init, await session.store.load(session.key));
  } finally {
    await lease.end();
  }
}

async function revokeAll(init: RevokeInit, stored: Session | undefined): Promise<Revocation> {
  const { provider, accessToken, session, seed } = init;
  const isOurs = stored !== undefined && !isSuperseded(stored, seedOf(seed));
  const refreshToken = isOurs ? stored.refresh_token : session && seed;
  const accessTokens = new Set(
    [accessToken, stored && tokenIn(init, stored)].filter((one) => one !== undefined),
  );
  if (provider.revoke === undefined) {
    return { revoked: 0, deleted: await forget(init, stored), failure: undefined, unsupported: true };
  }
  const refreshFailure = refreshToken ? await revokeOne(init, refreshToken, 'refresh_token') : undefined;
  const others = await Promise.all([...accessTokens].map((value) => revokeOne(init, value, 'access_token')));
  const failures = [...(refreshToken ? [refreshFailure] : []), ...others];
  const failure = failures.find((one) => one !== undefined);
  const isOver = refreshToken ? refreshFailure === undefined : failure === undefined;
  const revoked = failures.filter((one) => one === undefined).length;
  return { revoked, deleted: isOver && (await forget(init, stored)), failure, unsupported: false };
}

/**
 * Ends the stored session, unless a login has put another in its place. Where the configuration has a refresh token, a
 * note stays that its time is over: it would start the session again.
 */
async function forget({ session, seed }: RevokeInit, stored: Session | undefined): Promise<boolean> {
  if (session === undefined) return false;
  const { store, key } = session;
  if (seed === undefined) {
    if (stored !== undefined) await store.delete(key);
    return stored !== undefined;
  }
  const note: Session = {
    head: newHead(),
    refresh_token: '',
    seed: seedOf(seed),
    former_seeds: formerSeeds(stored),
    spent: revokedMark,
  };
  const noted = await store.compareAndSet(key, stored?.head, note);
  return noted && stored !== undefined && stored.spent !== revokedMark;
}

/** The stored access token, also out of an answer that nobody has read yet. */
function tokenIn({ endpoint }: RevokeInit, { raw, token }: Session): string | undefined {
  if (raw === undefined) return token?.value;
  const read = readStored(endpoint, raw);
  return 'granted' in read ? read.granted.value : token?.value;
}

/** RFC 7009 §2.2.1: after 503 the token must be taken to exist still. */
async function revokeOne(
  { endpoint, signal }: RevokeInit,
  token: string,
  token_type_hint: Hint,
): Promise<Failure | undefined> {
  const answer = await endpoint.send(
    { kind: 'revoke', params: { token, token_type_hint }, secrets: [token] },
    signal,
  );
  if ('kind' in answer) return answer;
  if (answer.status >= 200 && answer.status <= 299) return undefined;
  const read = endpoint.read(answer, [token]);
  return 'failure' in read ? read.failure : undefined;
}

/** Revokes the access token alone. A stored copy of it is removed, so that a restart does not serve it. Never rejects. */
export async function revokeAccessToken(init: RevokeInit): Promise<Revocation> {
  const { provider, accessToken, session } = init;
  if (accessToken === undefined || provider.revoke === undefined) {
    return { revoked: 0, deleted: false, failure: undefined, unsupported: provider.revoke === undefined };
  }
  try {
    const stored = session && (await session.store.load(session.key));
    if (session && stored?.token?.value === accessToken) {
      const { token: _token, raw: _raw, ...rest } = stored;
      await session.store.compareAndSet(session.key, stored.head, rest);
    }
  } catch (error) {
    return { revoked: 0, deleted: false, failure: inside(error), unsupported: false };
  }
  const failure = await revokeOne(init, accessToken, 'access_token');
  return { revoked: failure === undefined ? 1 : 0, deleted: false, failure, unsupported: false };
}

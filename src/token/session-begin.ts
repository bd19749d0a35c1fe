import { CupbearerError } from '../errors.ts';
import type { Provider } from '../provider/provider.ts';
import { readRefreshToken, readTenant } from '../provider/response.ts';
import type { Session, SessionKey } from '../store/session.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Answered, Endpoint } from './endpoint.ts';
import type { Granted } from './grant.ts';
import { cleaned } from './login-callback.ts';
import { pause } from './pause.ts';
import { formerSeeds, newHead, rawOf, seedOf, withToken } from './session-record.ts';

export interface BeginInit {
  readonly store: Store;
  readonly key: SessionKey;
  readonly provider: Provider;
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  /** The configured refresh token, if there is one: the new session counts as its descendant. */
  readonly seed: string | undefined;
  /** What the login gave and later requests repeat. */
  readonly login?: Readonly<Record<string, string>> | undefined;
}

export interface Begun {
  readonly granted: Granted;
  /** False: the session ends with its access token. */
  readonly refreshable: boolean;
}

/** For how long a store that is away is tried again, and how often. */
const keepMs = 20_000;
const keepEveryMs = 500;

/**
 * Stores the session that the answer to a login begins, in place of the one before. What is stored first is the answer
 * as it came; a store that is away is waited for, 20 s. Throws `login-refused` when the answer is for another tenant,
 * `login-failed` when it holds no usable token, and what the store throws.
 */
export async function beginSession(init: BeginInit, answer: Answered): Promise<Begun> {
  const { store, key, provider, endpoint, clock, seed, login } = init;
  const refreshToken = readRefreshToken(provider, answer.body) ?? '';
  const isSuccess = answer.status >= 200 && answer.status <= 299;
  if (isSuccess) checkTenant(init, answer);
  const session: Session = {
    head: newHead(),
    refresh_token: refreshToken,
    seed: seedOf(seed),
    login,
    raw: rawOf(answer),
  };
  const kept = isSuccess && refreshToken !== '' ? await keep(init, session) : undefined;
  const read = endpoint.read(answer, refreshToken === '' ? [] : [refreshToken]);
  if ('failure' in read) {
    const { error, detail } = read.failure;
    throw new CupbearerError('login-failed', `the login brought no token (${error}): ${detail}`);
  }
  const complete = withToken(kept ?? session, read.granted, clock.wall());
  // With the answer stored others find all they need, and may have gone on with it already.
  if (kept) await store.compareAndSet(key, kept.head, complete).catch(() => false);
  else await keep(init, complete);
  return { granted: read.granted, refreshable: refreshToken !== '' };
}

function checkTenant({ provider, key: { tenant } }: BeginInit, { body }: Answered): void {
  const told = tenant === undefined ? undefined : readTenant(provider, body);
  if (told === undefined || told === tenant) return;
  const other = cleaned(told);
  throw new CupbearerError(
    'login-refused',
    `the login was for tenant ${other}, not for ${tenant}: its token was discarded and nothing is stored; log in again and choose ${tenant}. The provider may have kept an installation for ${other}`,
  );
}

/**
 * Gives the session as it is stored. Tries again and again while the store is away: what the login brought exists
 * nowhere else.
 */
async function keep(init: BeginInit, session: Session): Promise<Session> {
  const { clock } = init;
  const until = clock.mono() + keepMs;
  for (;;) {
    try {
      return await replace(init, session);
    } catch (error) {
      if (!(error instanceof CupbearerError) || error.code !== 'store-unavailable') throw error;
      if (clock.mono() >= until) {
        const message = `${error.message}; what the login brought is lost: log in again`;
        throw new CupbearerError(error.code, message, { cause: error });
      }
      await pause(clock, keepEveryMs);
    }
  }
}

async function replace({ store, key }: BeginInit, session: Session): Promise<Session> {
  for (let left = 20; left > 0; left--) {
    const stored = await store.load(key);
    // A write that failed may have been carried out.
    if (stored?.head === session.head) return stored;
    const next = { ...session, former_seeds: formerSeeds(stored) };
    if (await store.compareAndSet(key, stored?.head, next)) return next;
  }
  throw new CupbearerError('store-unavailable', 'the stored session keeps changing; try again');
}

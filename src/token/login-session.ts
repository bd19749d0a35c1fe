import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import type { Provider } from '../provider/provider.ts';
import type { SessionKey } from '../store/session.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Answered, Endpoint } from './endpoint.ts';
import type { Failure } from './failure.ts';
import { ownerName } from './owner.ts';
import type { Parts } from './parts.ts';
import { beginSession } from './session-begin.ts';

/** The session a login is for, and what it takes to begin it. */
export interface LoginTarget {
  readonly key: SessionKey;
  readonly config: CredentialConfig;
  readonly provider: Provider;
  readonly endpoint: Endpoint;
  readonly store: Store;
  readonly clock: Clock;
}

/** What a login has stored. Nothing in it is secret. */
export interface LoggedIn extends SessionKey {
  /** Milliseconds the access token lives, from now. */
  readonly lifetimeMs: number;
  /** False: the provider did not say, the default stands in. */
  readonly lifetimeKnown: boolean;
  /** False: the session ends with its access token. */
  readonly refreshable: boolean;
  readonly store: Store['kind'];
}

const checkMs = 1_000;

/** `loginFault` must have found nothing. Throws `internal` for a grant without a session. */
export function loginTarget(parts: Parts, clock: Clock, key: SessionKey): LoginTarget {
  const { credential: name, tenant } = key;
  const session = parts.session(name, tenant);
  if (session === undefined) throw new CupbearerError('internal', `credential ${name} has no sessions`);
  return {
    key: session.key,
    config: parts.config(name),
    provider: parts.provider(name),
    endpoint: parts.endpoint(name, tenant),
    store: session.store,
    clock,
  };
}

/**
 * Fails as the store would when the session is stored: better before a code is spent. Throws what the store throws.
 */
export async function checkStore({ store, key }: LoginTarget): Promise<void> {
  await store.load(key);
  // A store that can be read cannot always be written: a full disk, a replica.
  const owner = ownerName();
  if ((await store.lease(key, owner, checkMs)) === owner) await store.release(key, owner);
}

/**
 * Stores the session that an answer begins. `login` is what the provider's refresh request repeats of the login.
 * Throws `login-failed`, `login-refused` when it is another tenant's, and what the store throws.
 */
export async function keepSession(
  { key, config, provider, endpoint, store, clock }: LoginTarget,
  answer: Answered | Failure,
  login: Readonly<Record<string, string>> | undefined,
): Promise<LoggedIn> {
  if ('kind' in answer) throw failed(key, answer.error, `${answer.detail}; log in again`);
  if (answer.status < 200 || answer.status > 299) {
    const read = endpoint.read(answer);
    const error = 'failure' in read ? read.failure.error : `http_${answer.status}`;
    throw failed(key, error, advice(error, answer.status));
  }
  const seed = config.refresh_token?.reveal();
  const begun = await beginSession({ store, key, provider, endpoint, clock, seed, login }, answer);
  const { lifetimeMs, lifetimeKnown } = begun.granted;
  return { ...key, lifetimeMs, lifetimeKnown, refreshable: begun.refreshable, store: store.kind };
}

function failed({ credential }: SessionKey, error: string, detail: string): CupbearerError {
  return new CupbearerError(
    'login-failed',
    `credential ${credential}: the login brought no token (${error}): ${detail}`,
  );
}

function advice(error: string, status: number): string {
  const answered = `the token endpoint answered ${status}`;
  switch (error) {
    case 'invalid_grant':
      return `${answered}; log in again, and if that does not help check redirect_uri and client_id`;
    case 'invalid_client':
    case 'unauthorized_client':
      return `${answered}; check client_id and client_secret`;
    default:
      return `${answered}; log in again, and if that does not help check the provider's exchange section`;
  }
}

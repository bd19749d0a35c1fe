import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import { hasSession } from '../provider/grant-type.ts';
import type { Session, SessionKey } from '../store/session.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { isSuperseded, seedOf } from './session-record.ts';

/** What the store holds of one session, without its secrets. */
export interface SessionView extends SessionKey {
  /**
   * `stored`: there is one to renew with. `spent`: the provider refused it for good. `none`: there is none.
   * `configured`: the next request starts with the one in the configuration. `unreadable`: the record does not open.
   */
  readonly refreshToken: 'stored' | 'spent' | 'none' | 'configured' | 'unreadable';
  /** Milliseconds to the true expiry of the stored access token; 0 when past, undefined when none has been read. */
  readonly lifetimeLeftMs: number | undefined;
  /** A refresh was begun, since when (ms since the Unix epoch), and its answer has not been stored. */
  readonly intentSince: number | undefined;
  /** Why the record does not open. */
  readonly error: string | undefined;
}

/** What a store tells now. */
export interface StoreView {
  readonly kind: Store['kind'];
  /** Why it tells nothing; undefined when it does. */
  readonly error: string | undefined;
  /**
   * The sessions of configured credentials, those the configuration starts and those nobody has begun included: one for
   * each credential without tenants whose grant has sessions.
   */
  readonly sessions: readonly SessionView[];
}

export interface StoreViewInit {
  readonly config: Pick<Config, 'credentials'>;
  readonly store: Store;
  readonly clock: Clock;
  /** Milliseconds the store has to answer. */
  readonly withinMs: number;
}

/** Looks into the store. Rejects for nothing but a defect. */
export async function viewStore(init: StoreViewInit): Promise<StoreView> {
  const { store, clock, withinMs } = init;
  const kind = store.kind;
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const cancel = clock.after(withinMs, () => resolve(undefined));
  try {
    const sessions = await Promise.race([readAll(init), late]);
    if (sessions !== undefined) return { kind, error: undefined, sessions };
    return { kind, error: `the store did not answer within ${withinMs / 1_000} s`, sessions: [] };
  } catch (error) {
    if (!(error instanceof CupbearerError)) throw error;
    return { kind, error: error.message, sessions: [] };
  } finally {
    cancel();
  }
}

async function readAll(init: StoreViewInit): Promise<SessionView[]> {
  const { config, store } = init;
  const configured = Object.entries(config.credentials).filter(([, one]) => hasSession(one.grant_type));
  const withTenants = new Map(configured.map(([name, { tenant }]) => [name, tenant !== undefined]));
  const keys: SessionKey[] = configured
    .filter(([, { tenant }]) => tenant === undefined)
    .map(([credential]) => ({ credential }));
  for (const key of await store.list()) {
    if (withTenants.get(key.credential) === true && key.tenant !== undefined) keys.push(key);
  }
  return Promise.all(keys.map((key) => readOne(init, key)));
}

async function readOne({ config, store, clock }: StoreViewInit, key: SessionKey): Promise<SessionView> {
  const seed = seedOf(config.credentials[key.credential]?.refresh_token?.reveal());
  const nothing = { ...key, lifetimeLeftMs: undefined, intentSince: undefined, error: undefined };
  try {
    const session = await store.load(key);
    if (session === undefined || isSuperseded(session, seed)) {
      return { ...nothing, refreshToken: seed === undefined ? 'none' : 'configured' };
    }
    return {
      ...nothing,
      refreshToken: refreshTokenOf(session),
      lifetimeLeftMs: lifetimeLeft(session, clock.wall()),
      intentSince: session.intent?.startedWall,
    };
  } catch (error) {
    if (!(error instanceof CupbearerError) || error.code !== 'store-unreadable') throw error;
    return { ...nothing, refreshToken: 'unreadable', error: error.message };
  }
}

function refreshTokenOf({ spent, refresh_token }: Session): SessionView['refreshToken'] {
  if (spent !== undefined) return 'spent';
  return refresh_token === '' ? 'none' : 'stored';
}

/** A token from the future means that the clock was set back: it is taken for expired. */
function lifetimeLeft({ token }: Session, wall: number): number | undefined {
  if (token === undefined) return undefined;
  if (wall < token.storedWall) return 0;
  return Math.max(0, token.t0Wall + token.lifetimeMs - wall);
}

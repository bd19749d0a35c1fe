import type { CredentialConfig } from '../config/schema.ts';
import { hasSession } from '../provider/grant-type.ts';
import type { Provider } from '../provider/provider.ts';
import type { SessionKey } from '../store/session.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { createDirectGrant } from './direct-grant.ts';
import type { Endpoint } from './endpoint.ts';
import type { Grant } from './grant.ts';
import { grantKinds } from './grant-kinds.ts';
import type { Lender } from './lender.ts';
import type { NoteSecret } from './live-secrets.ts';
import { SessionGrant } from './session-grant.ts';
import { SlidingGrant } from './sliding-grant.ts';
import { createStaticGrant } from './static-grant.ts';

export interface GrantInit {
  readonly config: CredentialConfig;
  readonly provider: Provider;
  /** Where its session lives in the store, if its grant has one. */
  readonly key: SessionKey;
  readonly clock: Clock;
  readonly endpoint: Endpoint;
  readonly store: Store;
  /** Makes the name that its leases go by. */
  readonly owner: () => string;
  readonly lender: Lender | undefined;
  /** Is told the keys of the configuration as they come into use. */
  readonly note: NoteSecret;
}

/** The grant of a credential, for one tenant. */
export function createGrant(init: GrantInit): Grant {
  const { config, provider, key, clock, endpoint, store, owner, lender, note } = init;
  if (hasSession(config.grant_type)) {
    return new SessionGrant({ config, provider, key, clock, endpoint, store, owner: owner() });
  }
  if (config.grant_type === 'static') return createStaticGrant({ config, provider, clock, note });
  const kind = grantKinds[config.grant_type];
  const mayLock = config.grant_type === 'password' || provider.extend !== undefined;
  const login = createDirectGrant({ config, provider, kind, clock, endpoint, lender, mayLock });
  return provider.extend === undefined ? login : new SlidingGrant({ provider, endpoint, login });
}

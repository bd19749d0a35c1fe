import type { Config } from '../config/config.ts';
import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import { hasSession } from '../provider/grant-type.ts';
import type { Provider } from '../provider/provider.ts';
import type { SessionKey } from '../store/session.ts';
import type { Store } from '../store/store.ts';
import { type ClientProof, createClientProof } from './client-proof.ts';
import type { Clock } from './clock.ts';
import { Credential } from './credential.ts';
import { createEndpoint, type Endpoint } from './endpoint.ts';
import type { TokenChanged, TokenEvents } from './events.ts';
import { createGrant } from './grants.ts';
import type { TokenHttp } from './http.ts';
import { createLender, type Lender } from './lender.ts';
import type { NoteSecret } from './live-secrets.ts';
import { ownerName } from './owner.ts';
import type { TokenSource } from './token.ts';

export interface PartsInit {
  readonly config: Pick<Config, 'credentials' | 'providers'>;
  readonly clock: Clock;
  readonly store: Store;
  readonly events: TokenEvents;
  readonly http: TokenHttp;
  readonly note?: NoteSecret | undefined;
  readonly changed?: TokenChanged | undefined;
  /** One a credential: its tenants, its commands and later configurations with it remember the same secret. */
  readonly proofs?: WeakMap<CredentialConfig, ClientProof>;
}

/** What the credentials of a configuration are made of. Everything throws `internal` for one that is not configured. */
export interface Parts {
  config(name: string): CredentialConfig;
  provider(name: string): Provider;
  endpoint(name: string, tenant: string | undefined): Endpoint;
  /** Where its session lives; undefined when its grant has none. */
  session(name: string, tenant: string | undefined): { store: Store; key: SessionKey } | undefined;
  /** One instance. `get` finds the others, for `using`. */
  credential(name: string, tenant: string | undefined, get: Find): Credential;
}

export type Find = (name: string, tenant: string | undefined) => TokenSource;

export function createParts(init: PartsInit): Parts {
  const { config, clock, store, events, http, note = () => {}, changed, proofs = new WeakMap() } = init;
  const configOf: Parts['config'] = (name) => {
    const credential = config.credentials[name];
    if (!credential) throw new CupbearerError('internal', `credential ${name} is not configured`);
    return credential;
  };
  const providerOf: Parts['provider'] = (name) => {
    const provider = config.providers[name];
    if (!provider) throw new CupbearerError('configuration-invalid', `credential ${name} has no provider`);
    return provider;
  };
  const endpointOf: Parts['endpoint'] = (name, tenant) => {
    const credential = configOf(name);
    const proof = proofs.get(credential) ?? createClientProof(credential, clock);
    proofs.set(credential, proof);
    const provider = providerOf(name);
    return createEndpoint({ config: credential, provider, tenant, clock, http, proof, note });
  };
  const lenderOf = (name: string, tenant: string | undefined, get: Find): Lender | undefined => {
    const { using } = configOf(name);
    if (using === undefined) return undefined;
    const lendsTenants = configOf(using).tenant !== undefined;
    const { origin } = new URL(providerOf(name).token.url);
    return createLender(using, () => get(using, lendsTenants ? tenant : undefined), origin);
  };
  return {
    config: configOf,
    provider: providerOf,
    endpoint: endpointOf,
    session: (name, tenant) =>
      hasSession(configOf(name).grant_type) ? { store, key: { credential: name, tenant } } : undefined,
    credential(name, tenant, get) {
      const grant = createGrant({
        config: configOf(name),
        provider: providerOf(name),
        key: { credential: name, tenant },
        clock,
        endpoint: endpointOf(name, tenant),
        store,
        owner: ownerName,
        lender: lenderOf(name, tenant, get),
        note,
      });
      return new Credential({ credential: name, tenant, clock, grant, events, changed });
    },
  };
}

import type { Config } from '../config/config.ts';
import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import type { Provider } from '../provider/provider.ts';
import type { Clock } from './clock.ts';
import { Credential } from './credential.ts';
import type { TokenEvents } from './events.ts';
import { createGrant, reread } from './grants.ts';
import { createTokenHttp, type TokenHttp } from './http.ts';
import { Tenants } from './tenants.ts';
import type { TokenSource } from './token.ts';
import type { CredentialView } from './view.ts';

export interface RegistryInit {
  readonly config: Pick<Config, 'credentials' | 'providers'>;
  readonly clock: Clock;
  readonly events?: TokenEvents;
  /** The way to token endpoints; one of its own when absent. The registry closes it. */
  readonly http?: TokenHttp;
}

/** All credentials of a configuration. */
export interface Registry {
  /**
   * The token source of a credential, of one tenant when it has tenants. Throws `tenant-required` without the tenant it
   * needs, `malformed-request` for a tenant that is not 1 to 256 visible ASCII characters, `tenants-exhausted` when as
   * many as allowed are busy, `internal` for a credential that is not configured.
   */
  get(credential: string, tenant?: string): TokenSource;
  /** The state of every credential and of every tenant known now. */
  view(): CredentialView[];
  /** Starts fetching the tokens of `warm` credentials, again and again until each has one. */
  start(): void;
  /** The `warm` credentials that have not had a token yet. */
  waitingFor(): string[];
  /** Forgets the failures of a credential, or of all: its configuration or a secret has changed. */
  reset(credential?: string): void;
  /** Serves valid tokens from now on and starts no renewal, unless there is no token to serve. */
  drain(): void;
  /** Ends everything in progress. Idempotent. */
  close(): Promise<void>;
}

interface Entry {
  readonly config: CredentialConfig;
  /** The only instance, or one a tenant. */
  readonly single: Credential | undefined;
  readonly tenants: Tenants | undefined;
}

const tickMs = 15_000;

export function createRegistry(init: RegistryInit): Registry {
  const { config, clock, events = {}, http = createTokenHttp() } = init;
  const entries = new Map<string, Entry>();
  let stopped = false;

  function create(name: string, credential: CredentialConfig, tenant: string | undefined): Credential {
    const provider = providerOf(config, name);
    const grant = createGrant({ config: credential, provider, tenant, clock, http });
    return new Credential({ credential: name, tenant, clock, grant, events });
  }

  for (const [name, credential] of Object.entries(config.credentials)) {
    const { tenant } = credential;
    entries.set(name, {
      config: credential,
      single: tenant ? undefined : create(name, credential, undefined),
      tenants: tenant && new Tenants(name, tenant, (value) => create(name, credential, value)),
    });
  }

  function* instances(): Generator<Credential> {
    for (const entry of entries.values()) yield* of(entry);
  }

  function tick(): void {
    for (const entry of entries.values()) {
      const all = [...of(entry)];
      if (all.some((one) => one.blocked)) reread(entry.config);
      for (const one of all) {
        one.resetIfSecretsChanged();
        one.tick();
      }
    }
    cancelTick = clock.after(tickMs, tick);
  }
  let cancelTick = clock.after(tickMs, tick);

  const warmOnes = [...entries.values()].flatMap(({ config, single }) =>
    config.warm && single ? [single] : [],
  );

  async function warmUp(one: Credential): Promise<void> {
    while (!stopped && !one.view().hadToken) {
      try {
        await one.acquire();
      } catch (error) {
        if (!(error instanceof CupbearerError)) throw error;
        const wait = Math.min(Math.max(one.view().retryInMs, 1_000), tickMs);
        await new Promise<void>((resolve) => clock.after(wait, resolve));
      }
    }
  }

  return {
    get(name, tenant) {
      const entry = entries.get(name);
      if (!entry) throw new CupbearerError('internal', `credential ${name} is not configured`);
      return entry.single ?? (entry.tenants as Tenants).get(tenant);
    },
    view: () => [...instances()].map((one) => one.view()),
    start() {
      for (const one of warmOnes) void warmUp(one);
    },
    waitingFor: () =>
      warmOnes
        .map((one) => one.view())
        .filter((one) => !one.hadToken)
        .map((one) => one.credential),
    reset(name) {
      for (const [key, entry] of entries) {
        if (name !== undefined && key !== name) continue;
        for (const one of of(entry)) one.reset();
      }
    },
    drain() {
      stopped = true;
      for (const one of instances()) one.drain();
    },
    async close() {
      stopped = true;
      cancelTick();
      for (const one of instances()) one.close();
      await http.close();
    },
  };
}

function of({ single, tenants }: Entry): Iterable<Credential> {
  return single ? [single] : (tenants?.values() ?? []);
}

function providerOf(config: RegistryInit['config'], name: string): Provider {
  const provider = config.providers[name];
  if (!provider) throw new CupbearerError('configuration-invalid', `credential ${name} has no provider`);
  return provider;
}

import type { Config } from '../config/config.ts';
import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import { hasSession } from '../provider/grant-type.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Credential } from './credential.ts';
import type { TokenEvents } from './events.ts';
import { every, rereadMs } from './every.ts';
import { createTokenHttp, type TokenHttp } from './http.ts';
import { type NoteSecret, notedStore } from './live-secrets.ts';
import { createParts, type Parts } from './parts.ts';
import { pause } from './pause.ts';
import { type Revocation, revoke, revokeAccessToken } from './revocation.ts';
import { SecretFiles } from './secret-files.ts';
import { watchSessions } from './session-watch.ts';
import { Tenants } from './tenants.ts';
import type { TokenSource } from './token.ts';
import type { CredentialView } from './view.ts';

export interface RegistryInit {
  readonly config: Pick<Config, 'credentials' | 'providers'>;
  readonly clock: Clock;
  /** Where sessions live. The registry closes it. */
  readonly store: Store;
  readonly events?: TokenEvents;
  /** The way to token endpoints; one of its own when absent. The registry closes it. */
  readonly http?: TokenHttp;
  /** Is told every token, refresh token, code and assertion. */
  readonly note?: NoteSecret;
}

/** All credentials of a configuration. */
export interface Registry {
  /** What its credentials are made of, for what else is done with them: they share what they have learnt. */
  readonly parts: Parts;
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
  /** Reads every secret again now. Credentials whose secrets have changed forget their failures; their tokens stay. */
  rereadSecrets(): void;
  /** A login has stored a new session: it takes the place of the present one. Throws as `get`. */
  restart(credential: string, tenant?: string): void;
  /** Revokes the tokens of a credential and deletes its session. Throws as `get`; rejects as the store does. */
  revoke(credential: string, tenant?: string): Promise<Revocation>;
  /** Serves valid tokens from now on and starts no renewal, unless there is no token to serve. */
  drain(): void;
  /**
   * Ends everything in progress; a refresh token that was sent is waited for. Then revokes the access tokens of the
   * credentials that ask for it, within 2 s. Idempotent.
   */
  close(): Promise<void>;
}

interface Entry {
  readonly config: CredentialConfig;
  /** The only instance, or one a tenant. */
  readonly single: Credential | undefined;
  readonly tenants: Tenants | undefined;
}

const revokeMs = 2_000;
const commandMs = 10_000;

export function createRegistry(init: RegistryInit): Registry {
  const { config, clock, events = {}, http = createTokenHttp(), note } = init;
  const store = note === undefined ? init.store : notedStore(init.store, note);
  const entries = new Map<string, Entry>();
  let stopped = false;
  let closing: Promise<void> | undefined;

  const parts = createParts({ config, clock, store, events, http, note });

  function get(name: string, tenant?: string): Credential {
    const entry = entries.get(name);
    if (!entry) throw new CupbearerError('internal', `credential ${name} is not configured`);
    return entry.single ?? (entry.tenants as Tenants).get(tenant);
  }

  for (const [name, credential] of Object.entries(config.credentials)) {
    const { tenant } = credential;
    entries.set(name, {
      config: credential,
      single: tenant ? undefined : parts.credential(name, undefined, get),
      tenants: tenant && new Tenants(name, tenant, (value) => parts.credential(name, value, get)),
    });
  }

  function* instances(): Generator<Credential> {
    for (const entry of entries.values()) yield* of(entry);
  }

  function reset(name: string): void {
    for (const one of of(entries.get(name))) one.reset();
  }

  const secretFiles = new SecretFiles({
    entries: config.credentials,
    changed(name, names) {
      reset(name);
      events.secretsChanged?.({ credential: name, names });
    },
    kept: (name, key, reason) => events.secretKept?.({ credential: name, name: key, reason }),
  });

  function tick(): void {
    for (const [name, entry] of entries) {
      const all = [...of(entry)];
      if (all.some((one) => one.blocked)) secretFiles.read(name);
      for (const one of all) {
        one.resetIfSecretsChanged();
        one.tick();
      }
    }
    void secretFiles.look();
  }
  const cancelTick = every(clock, rereadMs, tick);

  function* sessions(): Generator<Credential> {
    for (const entry of entries.values()) if (hasSession(entry.config.grant_type)) yield* of(entry);
  }
  // What this process alone can change needs no watching.
  const endWatch = store.kind === 'memory' ? () => {} : watchSessions(clock, sessions);

  const warmOnes = [...entries.values()].flatMap(({ config, single }) =>
    config.warm && single ? [single] : [],
  );

  async function warmUp(one: Credential): Promise<void> {
    while (!stopped && !one.view().hadToken) {
      try {
        await one.acquire();
      } catch (error) {
        if (!(error instanceof CupbearerError)) throw error;
        const wait = Math.min(Math.max(one.view().retryInMs, 1_000), rereadMs);
        await pause(clock, wait);
      }
    }
  }

  /** Has `how` revoke what an instance of a credential holds; `hash8` is of the access token it had, if any. */
  async function revokeBy(
    how: typeof revoke,
    instance: Credential,
    name: string,
    signal: AbortSignal,
    tenant: string | undefined,
  ) {
    let hash8: string | undefined;
    const outcome = await instance.revoke((token) => {
      hash8 = token?.hash.slice(0, 8);
      return how({
        provider: parts.provider(name),
        endpoint: parts.endpoint(name, tenant),
        accessToken: token?.reveal(),
        session: parts.session(name, tenant),
        seed: parts.config(name).refresh_token?.reveal(),
        clock,
        signal,
      });
    });
    return { hash8, outcome };
  }

  /** The access tokens of the credentials that ask for it; refresh tokens stay, their sessions go on. */
  async function revokeOnShutdown(): Promise<void> {
    const due = [...entries].filter(([, one]) => one.config.revoke_on_shutdown);
    if (due.length === 0) return;
    const signal = AbortSignal.timeout(revokeMs);
    const one = async (name: string, credential: Credential) => {
      const { tenant } = credential.view();
      const { hash8, outcome } = await revokeBy(revokeAccessToken, credential, name, signal, tenant);
      if (hash8 !== undefined) events.revoked?.({ credential: name, tenant, hash8, ...outcome });
    };
    await Promise.all(
      due.flatMap(([name, entry]) => [...of(entry)].map((credential) => one(name, credential))),
    );
  }

  async function closeAll(): Promise<void> {
    stopped = true;
    cancelTick();
    endWatch();
    await Promise.all([...instances()].map((one) => one.close()));
    await revokeOnShutdown();
    await http.close();
    await store.close();
  }

  return {
    parts,
    get,
    rereadSecrets: () => secretFiles.readAll(),
    restart(name, tenant) {
      get(name, tenant).restart();
      // What was refused with the token before may be granted with the next.
      for (const [other, entry] of entries) if (entry.config.using === name) reset(other);
    },
    async revoke(name, tenant) {
      const signal = AbortSignal.timeout(commandMs);
      const { hash8, outcome } = await revokeBy(revoke, get(name, tenant), name, signal, tenant);
      events.revoked?.({ credential: name, tenant, hash8, ...outcome });
      return outcome;
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
      for (const one of name === undefined ? entries.keys() : [name]) reset(one);
    },
    drain() {
      stopped = true;
      for (const one of instances()) one.drain();
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

function of(entry: Entry | undefined): Iterable<Credential> {
  return entry?.single ? [entry.single] : (entry?.tenants?.values() ?? []);
}

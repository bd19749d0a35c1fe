import type { Config } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import { hasSession } from '../provider/grant-type.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Credential } from './credential.ts';
import type { TokenChanged, TokenEvents } from './events.ts';
import { every, rereadMs } from './every.ts';
import { createTokenHttp, type TokenHttp } from './http.ts';
import { Instances } from './instances.ts';
import { type NoteSecret, notedStore } from './live-secrets.ts';
import { createParts, type Parts } from './parts.ts';
import { pause } from './pause.ts';
import { type Revocation, revoke, revokeAccessToken } from './revocation.ts';
import { SecretFiles } from './secret-files.ts';
import { watchSessions } from './session-watch.ts';
import type { TokenOwner } from './token.ts';
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
  /** Is told every change of what is to be served. */
  readonly changed?: TokenChanged;
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
  get(credential: string, tenant?: string): TokenOwner;
  /** The same when it is there already: makes none for a tenant, and throws nothing. */
  find(credential: string, tenant?: string): TokenOwner | undefined;
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

const revokeMs = 2_000;
const commandMs = 10_000;

export function createRegistry(init: RegistryInit): Registry {
  const { config, clock, events = {}, http = createTokenHttp(), note, changed } = init;
  const store = note === undefined ? init.store : notedStore(init.store, note);
  const credentials = Object.entries(config.credentials);
  let stopped = false;
  let closing: Promise<void> | undefined;

  const parts = createParts({ config, clock, store, events, http, note, changed });

  const instances: Instances<Credential> = new Instances(
    config.credentials,
    (name, tenant) => parts.credential(name, tenant, (other, value) => instances.get(other, value)),
    // Nobody would learn any more what becomes of its token.
    (credential, tenant) => changed?.({ credential, tenant }, undefined),
  );

  function reset(name: string): void {
    for (const one of instances.of(name)) one.reset();
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
    for (const [name] of credentials) {
      const all = [...instances.of(name)];
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
    for (const [name, { grant_type }] of credentials) if (hasSession(grant_type)) yield* instances.of(name);
  }
  // What this process alone can change needs no watching.
  const endWatch = store.kind === 'memory' ? () => {} : watchSessions(clock, sessions);

  const warmOnes = credentials.flatMap(([name, { warm, tenant }]) =>
    warm && tenant === undefined ? [...instances.of(name)] : [],
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
    const due = credentials.filter(([, one]) => one.revoke_on_shutdown);
    if (due.length === 0) return;
    const signal = AbortSignal.timeout(revokeMs);
    const one = async (name: string, credential: Credential) => {
      const { tenant } = credential.view();
      const { hash8, outcome } = await revokeBy(revokeAccessToken, credential, name, signal, tenant);
      if (hash8 !== undefined) events.revoked?.({ credential: name, tenant, hash8, ...outcome });
    };
    await Promise.all(
      due.flatMap(([name]) => [...instances.of(name)].map((credential) => one(name, credential))),
    );
  }

  async function closeAll(): Promise<void> {
    stopped = true;
    cancelTick();
    endWatch();
    await Promise.all([...instances.values()].map((one) => one.close()));
    await revokeOnShutdown();
    await http.close();
    await store.close();
  }

  return {
    parts,
    get: (name, tenant) => instances.get(name, tenant),
    find: (name, tenant) => instances.find(name, tenant),
    rereadSecrets: () => secretFiles.readAll(),
    restart(name, tenant) {
      instances.get(name, tenant).restart();
      // What was refused with the token before may be granted with the next.
      for (const [other, { using }] of credentials) if (using === name) reset(other);
    },
    async revoke(name, tenant) {
      const signal = AbortSignal.timeout(commandMs);
      const { hash8, outcome } = await revokeBy(revoke, instances.get(name, tenant), name, signal, tenant);
      events.revoked?.({ credential: name, tenant, hash8, ...outcome });
      return outcome;
    },
    view: () => [...instances.values()].map((one) => one.view()),
    start() {
      for (const one of warmOnes) void warmUp(one);
    },
    waitingFor: () =>
      warmOnes
        .map((one) => one.view())
        .filter((one) => !one.hadToken)
        .map((one) => one.credential),
    reset(name) {
      for (const [one] of credentials) if (name === undefined || one === name) reset(one);
    },
    drain() {
      stopped = true;
      for (const one of instances.values()) one.drain();
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

import type { Config } from '../config/config.ts';
import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import { hasSession } from '../provider/grant-type.ts';
import type { Store } from '../store/store.ts';
import type { ClientProof } from './client-proof.ts';
import type { Clock } from './clock.ts';
import type { Credential } from './credential.ts';
import type { TokenChanged, TokenEvents } from './events.ts';
import { every, rereadMs } from './every.ts';
import { createGeneration, type Generation, instancesOf } from './generation.ts';
import { createHeldTokens } from './held-tokens.ts';
import { createTokenHttp, type TokenHttp } from './http.ts';
import { type NoteSecret, notedStore } from './live-secrets.ts';
import type { Parts } from './parts.ts';
import type { Revocation } from './revocation.ts';
import { SecretFiles } from './secret-files.ts';
import { watchSessions } from './session-watch.ts';
import type { TokenOwner } from './token.ts';
import type { CredentialView } from './view.ts';
import { createWarmUp } from './warm-up.ts';

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

/** Credentials that may be put in force. */
export interface NextCredentials {
  /** Their number, as `Registry.at` knows it. */
  readonly epoch: number;
  /** As `Registry.get`, of these. */
  get(credential: string, tenant?: string): TokenOwner;
  /** Puts them in force. */
  adopt(): void;
}

/** All credentials of the configuration in force; until they are let go, those of the ones before it too. */
export interface Registry {
  /** What its credentials are made of, for what else is done with them: they share what they have learnt. */
  readonly parts: Parts;
  /**
   * The credentials of a configuration that may take the place of the one in force. Those that are the same objects in
   * both stay as they are. Nothing is in force before `adopt`.
   */
  prepare(config: RegistryInit['config']): NextCredentials;
  /** As the registry, for who goes by the configuration of that epoch. `get` throws `token-unavailable` too. */
  at(epoch: number): Pick<Registry, 'get' | 'find'>;
  /** Nobody goes by a configuration before this epoch any more: what only those had is let go. */
  release(epoch: number): Promise<void>;
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
  /**
   * Renews the token of a credential now, or waits for the renewal under way; the present one is served meanwhile, and if
   * that fails. Throws as `get`; rejects as `TokenSource.acquire` does, with `shutting-down` while draining.
   */
  renew(credential: string, tenant?: string): Promise<void>;
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

export function createRegistry(init: RegistryInit): Registry {
  const { clock, events = {}, http = createTokenHttp(), note, changed } = init;
  const store = note === undefined ? init.store : notedStore(init.store, note);
  const tools = {
    clock,
    store,
    events,
    http,
    note,
    changed,
    proofs: new WeakMap<CredentialConfig, ClientProof>(),
  };
  const heldTokens = createHeldTokens({ clock, events });
  let now = createGeneration(tools, init.config);
  /** Those that somebody may still go by, the oldest first; the last is `now`. */
  let generations: readonly Generation[] = [now];
  let secretFiles = watchFiles(now);
  let stopped = false;
  let closing: Promise<void> | undefined;

  const names = () => Object.keys(now.config.credentials);

  function reset(name: string): void {
    for (const one of now.instances.of(name)) one.reset();
  }

  function watchFiles({ config }: Generation): SecretFiles {
    return new SecretFiles({
      entries: config.credentials,
      changed(name, keys) {
        reset(name);
        events.secretsChanged?.({ credential: name, names: keys });
      },
      kept: (name, key, reason) => events.secretKept?.({ credential: name, name: key, reason }),
    });
  }

  function tick(): void {
    for (const name of names()) {
      const all = [...now.instances.of(name)];
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
    for (const [name, { grant_type }] of Object.entries(now.config.credentials))
      if (hasSession(grant_type)) yield* now.instances.of(name);
  }
  // What this process alone can change needs no watching.
  const endWatch = store.kind === 'memory' ? () => {} : watchSessions(clock, sessions);

  const warmUp = createWarmUp({
    clock,
    due: () =>
      Object.entries(now.config.credentials).flatMap(([name, { warm, tenant }]) =>
        warm && tenant === undefined ? [...now.instances.of(name)] : [],
      ),
    stopped: () => stopped,
  });

  /** The generation that says what a credential is, for who goes by the configuration of an epoch. */
  function generationOf(name: string, epoch: number): Generation | undefined {
    const since = now.since.get(name);
    if (since !== undefined && since <= epoch) return now;
    return generations.findLast((one) => one.epoch <= epoch);
  }

  function goesOn({ credential }: CredentialView, left: readonly Generation[]): boolean {
    return left.some(({ config }) => {
      const known = config.credentials[credential];
      return known !== undefined && hasSession(known.grant_type);
    });
  }

  async function letGo(gone: readonly Generation[], left: readonly Generation[]): Promise<void> {
    await Promise.all(
      gone.map(async (one, i) => {
        const instances = instancesOf(one, [...gone.slice(i + 1), ...left]);
        await Promise.all(instances.map((instance) => instance.close()));
        // The token of a session is that of whoever goes on with the session.
        const over = instances.filter((instance) => !goesOn(instance.view(), left));
        await heldTokens.revokeOnStop(over, one.parts);
      }),
    );
  }

  async function closeAll(): Promise<void> {
    stopped = true;
    cancelTick();
    endWatch();
    await letGo(generations, []);
    await http.close();
    await store.close();
  }

  return {
    parts: {
      config: (name) => now.parts.config(name),
      provider: (name) => now.parts.provider(name),
      endpoint: (name, tenant) => now.parts.endpoint(name, tenant),
      session: (name, tenant) => now.parts.session(name, tenant),
      credential: (name, tenant, get) => now.parts.credential(name, tenant, get),
    },
    prepare(config) {
      const next = createGeneration(tools, config, now);
      return {
        epoch: next.epoch,
        get: (name, tenant) => next.instances.get(name, tenant),
        adopt() {
          now = next;
          generations = [...generations, next];
          secretFiles = watchFiles(next);
          if (stopped) for (const one of next.instances.values()) one.drain();
          else warmUp.start();
        },
      };
    },
    at: (epoch) => ({
      get(name, tenant) {
        const generation = generationOf(name, epoch);
        if (generation !== undefined) return generation.instances.get(name, tenant);
        const message = `credential ${name} has been changed in the configuration; send the request again`;
        throw new CupbearerError('token-unavailable', message);
      },
      find: (name, tenant) => generationOf(name, epoch)?.instances.find(name, tenant),
    }),
    async release(epoch) {
      const gone = generations.filter((one) => one.epoch < epoch && one !== now);
      generations = generations.filter((one) => !gone.includes(one));
      await letGo(gone, generations);
    },
    get: (name, tenant) => now.instances.get(name, tenant),
    find: (name, tenant) => now.instances.find(name, tenant),
    rereadSecrets: () => secretFiles.readAll(),
    restart(name, tenant) {
      now.instances.get(name, tenant).restart();
      // What was refused with the token before may be granted with the next.
      for (const [other, { using }] of Object.entries(now.config.credentials))
        if (using === name) reset(other);
    },
    renew: async (name, tenant) => now.instances.get(name, tenant).renew(),
    revoke: async (name, tenant) => heldTokens.revoke(now.instances.get(name, tenant), now.parts),
    view: () => [...now.instances.values()].map((one) => one.view()),
    start: warmUp.start,
    waitingFor: warmUp.waitingFor,
    reset(name) {
      for (const one of names()) if (name === undefined || one === name) reset(one);
    },
    drain() {
      stopped = true;
      for (const { instances } of generations) for (const one of instances.values()) one.drain();
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

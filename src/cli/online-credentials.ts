import { whatToDo } from '../admin/what-to-do.ts';
import type { Config } from '../config/config.ts';
import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import { createMemoryStore } from '../store/memory.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { Scrubber } from '../telemetry/scrubber.ts';
import { systemClock } from '../token/clock.ts';
import type { TokenFetched } from '../token/events.ts';
import type { Failure } from '../token/failure.ts';
import { createTokenHttp } from '../token/http.ts';
import type { Registry } from '../token/registry.ts';
import type { Token } from '../token/token.ts';
import { bounded } from './bounded.ts';
import { observedHttp } from './observed-http.ts';
import type { CheckedCredential, Finding } from './online-result.ts';
import { clockWarning, failureFinding, tokenFinding } from './online-token.ts';
import { isUnmade, openOwnRegistry } from './own-registry.ts';
import { sessionBehind } from './session-reach.ts';
import { shownTokenUrl } from './token-url.ts';

export interface OnlineOptions {
  /** What one check may take. */
  readonly timeoutMs: number;
  /** Of the credentials that have tenants; undefined: they are left out. */
  readonly tenant: string | undefined;
  /** Is told every secret that comes into use. */
  readonly scrubber: Pick<Scrubber, 'note'>;
}

const atATime = 8;

/**
 * Gets a token of every credential, as `cupbearer token` does. A session that only the process that serves may spend is
 * left alone; no store is made. Rejects for nothing but a defect.
 */
export async function checkCredentials(config: Config, options: OnlineOptions): Promise<CheckedCredential[]> {
  const clock = systemClock;
  const stored = await storeOf(config);
  const fetched = new Map<string, TokenFetched>();
  const http = observedHttp(createTokenHttp(), clock);
  const own = await openOwnRegistry(config, {
    store: stored.store,
    http,
    note: (secret) => options.scrubber.note(secret),
    events: { fetched: (event) => void fetched.set(event.credential, event) },
  });
  const check = async (name: string, credential: CredentialConfig): Promise<CheckedCredential> => {
    const tenant = credential.tenant === undefined ? undefined : options.tenant;
    const provider = config.providers[name];
    const url = provider && shownTokenUrl(provider, credential, tenant);
    const about = {
      credential: name,
      ...(tenant === undefined ? {} : { tenant }),
      provider: provider?.name ?? '',
      grant_type: credential.grant_type,
    };
    const untried = stored.why(name) ?? withoutTenant(credential, options.tenant);
    if (untried !== undefined) return { ...about, ...untried };
    const started = clock.mono();
    const outcome = await acquired(own.registry, name, tenant, options.timeoutMs);
    const warning = url === undefined ? undefined : clockWarning(http.aheadMs(new URL(url).origin));
    const event = fetched.get(name);
    const finding =
      'token' in outcome
        ? tokenFinding(credential, outcome.token, event, warning)
        : failureFinding(
            credential,
            provider,
            outcome.failure,
            warning,
            whatToDo(outcome.failure, about, config),
          );
    return {
      ...about,
      ...(url === undefined ? {} : { token_url: url }),
      ...finding,
      ms: Math.round(clock.mono() - started),
    };
  };
  try {
    return await bounded(Object.entries(config.credentials), atATime, ([name, credential]) =>
      check(name, credential),
    );
  } finally {
    await own.close();
  }
}

interface UsableStore {
  readonly store: Store;
  /** Why the session of a credential cannot be tried with it. */
  why(name: string): Finding | undefined;
}

/** The configured store; in its place an empty one when sessions cannot be had from here. */
async function storeOf(config: Config): Promise<UsableStore> {
  const now = () => systemClock.wall();
  const instead = (why: (holder: string) => Finding): UsableStore => ({
    store: createMemoryStore(now),
    why(name) {
      const holder = sessionBehind(config, name);
      return holder === undefined ? undefined : why(holder);
    },
  });
  if (config.store.url.kind === 'memory') {
    return instead((holder) => ({
      result: 'skipped',
      detail: `the session of ${holder} lives in the memory of the process that serves`,
      what_to_do: 'ask that: cupbearer status',
    }));
  }
  if (isUnmade(config.store)) {
    return instead((holder) =>
      config.credentials[holder]?.refresh_token === undefined
        ? notLoggedIn(holder, config)
        : {
            result: 'skipped',
            detail: `the store is not there yet, and the refresh_token of ${holder} may be good for one use`,
            what_to_do: 'start serve, which makes the store',
          },
    );
  }
  try {
    return { store: await openStore(config.store, { now }), why: () => undefined };
  } catch (error) {
    if (!(error instanceof CupbearerError)) throw error;
    return instead(() => ({
      result: 'failed',
      detail: error.message,
      what_to_do: 'check store.url and store.key, and that the store runs',
    }));
  }
}

function notLoggedIn(holder: string, config: Config): Finding {
  const advice = whatToDo({ kind: 'reauthorization' }, { credential: holder }, config);
  return {
    result: 'login',
    detail: 'nobody has logged in yet',
    ...(advice === undefined ? {} : { what_to_do: advice }),
  };
}

function withoutTenant({ tenant }: CredentialConfig, given: string | undefined): Finding | undefined {
  if (tenant === undefined || given !== undefined) return undefined;
  return {
    result: 'skipped',
    detail: 'it has a token for each tenant',
    what_to_do: 'say which tenant to try: --tenant TENANT',
  };
}

/** A token, or why there is none. */
async function acquired(
  registry: Registry,
  name: string,
  tenant: string | undefined,
  timeoutMs: number,
): Promise<{ readonly token: Token } | { readonly failure: Failure }> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return { token: await registry.get(name, tenant).acquire(signal) };
  } catch (error) {
    const known = registry
      .view()
      .find((one) => one.credential === name && one.tenant === tenant)?.lastFailure;
    if (known !== undefined) return { failure: known };
    if (signal.aborted || (error instanceof CupbearerError && error.code === 'token-timeout')) {
      const detail = `there was no answer within ${timeoutMs / 1_000} s`;
      return { failure: { kind: 'timeout', error: 'timeout', detail } };
    }
    if (!(error instanceof CupbearerError)) throw error;
    return { failure: { kind: 'config', error: error.code, detail: error.message, unsent: true } };
  }
}

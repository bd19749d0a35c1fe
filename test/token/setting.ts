import { afterEach, expect } from 'vitest';
import type { CredentialConfig } from '../../src/config/schema.ts';
import { presets } from '../../src/provider/presets.ts';
import type { ProviderSpec } from '../../src/provider/provider.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { Credential } from '../../src/token/credential.ts';
import type { TokenChanged, TokenEvents, TokenFailed, TokenFetched } from '../../src/token/events.ts';
import type { Failure } from '../../src/token/failure.ts';
import type { Grant, GrantOutcome } from '../../src/token/grant.ts';
import { createRegistry, type Registry } from '../../src/token/registry.ts';
import type { Token } from '../../src/token/token.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Script, startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';
import { credentialConfig } from './config.ts';

/** What a simulated provider grants or why not; after `latencyMs`, or never when Infinity. */
export type Simulated =
  | {
      readonly value: string;
      readonly lifetimeMs: number;
      readonly renewAfterMs?: number;
      readonly latencyMs?: number;
    }
  | { readonly failure: Failure; readonly latencyMs?: number };

/** A grant without HTTP, for simulations of many steps: it keeps the flight rules of client_credentials. */
class SimulatedGrant implements Grant {
  timeoutMs = 10_000;
  readonly irreplaceable = false;
  /** Monotonic time of every request. */
  readonly calls: number[] = [];
  /** Requests in progress now, and at most at a time. */
  running = 0;
  mostRunning = 0;
  secret = 'one';
  answer: (count: number) => Simulated;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock, answer: (count: number) => Simulated) {
    this.#clock = clock;
    this.answer = answer;
  }

  secrets(): string {
    return this.secret;
  }

  async request(signal: AbortSignal): Promise<GrantOutcome> {
    const t0 = { t0Mono: this.#clock.mono(), t0Wall: this.#clock.wall() };
    const secrets = this.secret;
    this.calls.push(t0.t0Mono);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    const told = this.answer(this.calls.length);
    if (told.latencyMs) {
      await new Promise<void>((resolve) => {
        if (told.latencyMs !== Infinity) this.#clock.after(told.latencyMs ?? 0, resolve);
        signal.addEventListener('abort', () => resolve());
      });
    }
    this.running--;
    if ('failure' in told) return { failure: told.failure, secrets };
    const { value, lifetimeMs, renewAfterMs } = told;
    const rest = { lifetimeKnown: true, renewAfterMs, attempts: 1, warnings: [], ...t0 };
    return { granted: { value, fields: ['authorization', `Bearer ${value}`], lifetimeMs, ...rest } };
  }
}

export const hour = 3_600_000;

/** `t1`, `t2`, … for an hour. */
const hourly = (count: number): Simulated => ({ value: `t${count}`, lifetimeMs: hour });

export const unavailable: Failure = { kind: 'transient', error: 'http_500', status: 500, detail: 'failed' };

/** A credential on a manual clock with a simulated provider. */
export function simulate(
  answer: (count: number) => Simulated = hourly,
  seed = 1,
  clock = new ManualClock(seed),
  changed?: TokenChanged,
) {
  const grant = new SimulatedGrant(clock, answer);
  const log = new EventLog();
  const credential = new Credential({ credential: 'acme', clock, grant, events: log, changed });
  return { clock, grant, credential, log, acquireNow: () => now(credential.acquire()) };
}

/** The token when it came at once. */
export function now(token: Token | Promise<Token>): Token {
  if (token instanceof Promise) throw new Error('the token had to be waited for');
  return token;
}

/** The value a token carries. */
export function carried(token: Token | undefined): string | undefined {
  return token?.fields[1]?.replace(/^Bearer /, '');
}

export { credentialConfig } from './config.ts';

/** Remembers every event. */
export class EventLog implements TokenEvents {
  readonly fetches: TokenFetched[] = [];
  readonly failures: TokenFailed[] = [];
  readonly refusals: string[] = [];
  adoptions = 0;
  noops = 0;

  fetched(event: TokenFetched): void {
    this.fetches.push(event);
  }

  failed(event: TokenFailed): void {
    this.failures.push(event);
  }

  adopted(): void {
    this.adoptions++;
  }

  noop(): void {
    this.noops++;
  }

  refused(event: { readonly action: string }): void {
    this.refusals.push(event.action);
  }
}

export interface Room {
  readonly clock: ManualClock;
  readonly endpoint: TokenEndpoint;
  readonly registry: Registry;
  readonly log: EventLog;
}

const opened: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Has something closed after the test. */
export function closing(close: () => Promise<unknown>): void {
  opened.push(close);
}

/** A registry on a manual clock whose credentials (default: one, `acme`) ask a real token endpoint. */
export async function openRoom(
  script?: Script,
  options: {
    credentials?: Record<string, CredentialConfig>;
    provider?: ProviderSpec;
    store?: Store;
    clock?: ManualClock;
    changed?: TokenChanged;
  } = {},
): Promise<Room> {
  const endpoint = await startTokenEndpoint(script);
  closing(() => endpoint.close());
  const { clock = new ManualClock(), store = createMemoryStore(() => clock.wall()) } = options;
  const log = new EventLog();
  const { credentials = { acme: credentialConfig() }, provider = {} } = options;
  const spec = { ...provider, token: { url: endpoint.url, ...provider.token } };
  const resolved = resolveProvider('test', spec, presets);
  const providers = Object.fromEntries(Object.keys(credentials).map((name) => [name, resolved]));
  const registry = createRegistry({
    config: { credentials, providers },
    clock,
    store,
    events: log,
    ...(options.changed && { changed: options.changed }),
  });
  closing(() => registry.close());
  return { clock, endpoint, registry, log };
}

/** Waits in real time until something is so. */
export async function until(what: () => boolean, ms = 5_000): Promise<void> {
  const end = performance.now() + ms;
  while (!what()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Expects a CupbearerError with this code, thrown or rejected, and gives it. */
export async function failure(get: () => unknown, code: string) {
  const error = await (async () => get())().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'CupbearerError', code });
  return error as Error & { readonly code: string; readonly retryAfterMs: number | undefined };
}

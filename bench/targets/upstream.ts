import { join } from 'node:path';
import { startAnswerer } from './asking.ts';

/** How the tokens of an upstream behave. */
export interface TokenRules {
  readonly lifetimeSeconds: number;
  /** How long the token endpoint takes for its answer, ms. */
  readonly delayMs: number;
}

/** What an upstream has seen so far. */
export interface Counts {
  /** Token requests. */
  readonly tokens: number;
  /** Requests with a token that was revoked, or with none. */
  readonly refused: number;
  /** Requests with a token past its lifetime. */
  readonly expired: number;
}

/** An API and its token endpoint, in a process of its own. A request without a token in force is answered 401. */
export interface Upstream {
  readonly origin: string;
  counts(): Promise<Counts>;
  /** Revokes every token that `client` has been given. */
  revoke(client: string): Promise<Counts>;
  stop(): Promise<void>;
}

/** What its process is asked. */
export interface UpstreamQuestion {
  readonly revoke?: string;
}

/** What its process answers. */
export interface UpstreamAnswer extends Counts {
  readonly port: number;
}

/** Where it answers 1 KiB of JSON. */
export const itemsPath = '/api';
/** Where it pours as many bytes as the last segment says. */
export const bytesPath = '/bytes';
/** Where it takes a body, at most as many bytes a second as the last segment says. */
export const sinkPath = '/sink';
export const tokenPath = '/token';

/** Starts an upstream; `signal` kills it. */
export async function startUpstream(rules: Partial<TokenRules>, signal: AbortSignal): Promise<Upstream> {
  const file = join(import.meta.dirname, 'upstream-process.ts');
  const all: TokenRules = { lifetimeSeconds: 3600, delayMs: 0, ...rules };
  const { ask, stop } = startAnswerer<UpstreamQuestion, UpstreamAnswer>(file, all, signal);
  const { port } = await ask({});
  return {
    origin: `http://127.0.0.1:${port}`,
    counts: () => ask({}),
    revoke: (client) => ask({ revoke: client }),
    stop,
  };
}

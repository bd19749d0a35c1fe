import { createHash, randomBytes } from 'node:crypto';
import { CupbearerError } from '../errors.ts';
import { authorizationUrl } from '../provider/authorize.ts';
import type { SessionKey } from '../store/session.ts';
import { target as targetOf } from './grant-kinds.ts';
import type { Expected } from './login-callback.ts';
import { keepSession, type LoggedIn, type LoginTarget } from './login-session.ts';

/** A login that a person has started and not finished. Holds secrets. */
export interface PendingLogin extends Expected {
  readonly key: SessionKey;
  /** RFC 7636 §4.1; undefined for a provider without PKCE. */
  readonly verifier: string | undefined;
  readonly redirectUri: string;
}

/** Milliseconds for which a login may be finished. */
export const loginLifetimeMs = 600_000;
const exchangeMs = 30_000;

/**
 * Starts a login in a browser: `url` is where the person goes, `pending` what the answer is checked against. The URL
 * holds no secret but the state, which nobody else may know before the answer comes. Throws `configuration-invalid` as
 * `authorizationUrl` does.
 */
export function startLogin(target: LoginTarget, redirectUri: string): { url: string; pending: PendingLogin } {
  const { key, config, provider, endpoint, clock } = target;
  const { authorize } = provider;
  if (authorize === undefined) throw new CupbearerError('internal', `${provider.name} has no login page`);
  const state = randomBytes(32).toString('base64url');
  const verifier = authorize.pkce === 'none' ? undefined : randomBytes(32).toString('base64url');
  const url = authorizationUrl({
    provider,
    params: {
      redirect_uri: redirectUri,
      ...targetOf(target.config),
      state,
      code_challenge: verifier && createHash('sha256').update(verifier).digest('base64url'),
    },
    client: { id: config.client_id ?? '', secret: [config.client_secret ?? []].flat()[0]?.reveal() },
    timestamp: new Date(clock.wall()).toISOString(),
    placeholders: { tenant: key.tenant },
  });
  const origins = [url, endpoint.tokenUrl()].map((one) => new URL(one).origin);
  return { url, pending: { key, state, verifier, redirectUri, authorize, origins } };
}

/**
 * Spends the code of a login, once, whatever comes of it, and stores the session (RFC 6749 §4.1.3, RFC 7636 §4.5).
 * Throws `login-failed`, and what the store throws.
 */
export async function finishLogin(
  target: LoginTarget,
  { verifier, redirectUri }: PendingLogin,
  code: string,
): Promise<LoggedIn> {
  const answer = await target.endpoint.send(
    {
      kind: 'exchange',
      params: {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        resource: target.config.resource,
      },
      secrets: [code, ...(verifier === undefined ? [] : [verifier])],
    },
    AbortSignal.timeout(exchangeMs),
  );
  return keepSession(target, answer, repeatedLater(target, { code, redirect_uri: redirectUri }));
}

/** Those of the login's parameters that the refresh request names as placeholders. */
function repeatedLater(
  { provider: { refresh }, config }: LoginTarget,
  params: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const templates = JSON.stringify([refresh.url, refresh.params, refresh.headers, config.params]);
  const kept = Object.entries(params).filter(([name]) => templates.includes(`{${name}}`));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

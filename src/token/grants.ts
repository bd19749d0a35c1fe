import { createHash } from 'node:crypto';
import type { CredentialConfig, GrantType } from '../config/schema.ts';
import type { Secret } from '../config/secret.ts';
import { CupbearerError } from '../errors.ts';
import { renderAttach } from '../provider/attach.ts';
import { answerTime } from '../provider/expiry.ts';
import type { Provider } from '../provider/provider.ts';
import { buildTokenRequest } from '../provider/request.ts';
import { readRefreshToken, readTokenAnswer } from '../provider/response.ts';
import { parseRetryAfter } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Failure } from './failure.ts';
import type { TokenHttp } from './http.ts';

/** A token as granted, not yet a generation. Holds secrets. */
export interface Granted {
  readonly value: string;
  /** Fields that carry it upstream, flat. */
  readonly fields: readonly string[];
  readonly lifetimeMs: number;
  readonly lifetimeKnown: boolean;
  readonly renewAfterMs: number | undefined;
  /** Both clocks before the request was sent. */
  readonly t0Mono: number;
  readonly t0Wall: number;
  readonly attempts: number;
  readonly warnings: readonly string[];
}

/** `secrets` is the fingerprint of those that failed. */
export type GrantOutcome =
  | { readonly granted: Granted }
  | { readonly failure: Failure; readonly secrets?: string };

/** How one credential gets its tokens. */
export interface Grant {
  /** Milliseconds one flight may take. */
  readonly timeoutMs: number;
  /** It holds a refresh token that exists nowhere else: losing it means a new login. */
  readonly irreplaceable: boolean;
  /** Asks for a token. `mayRepeat`: a request that cannot have had an effect may be repeated once. Never rejects. */
  request(signal: AbortSignal, mayRepeat: boolean): Promise<GrantOutcome>;
  /** Fingerprint of the secrets the next request would use. */
  secrets(): string;
}

export interface GrantInit {
  readonly config: CredentialConfig;
  readonly provider: Provider;
  readonly tenant: string | undefined;
  readonly clock: Clock;
  readonly http: TokenHttp;
}

interface GrantKind {
  readonly request: 'token' | 'refresh';
  readonly timeoutMs: number;
  readonly repeatable: boolean;
  params(config: CredentialConfig, refreshToken: string | undefined): Record<string, string | undefined>;
  /** What `invalid_grant` means. */
  readonly onInvalidGrant: Failure['kind'];
}

/** RFC 6749 §4.4, §6 and §4.3. */
const kinds: Readonly<Record<GrantType, GrantKind>> = {
  client_credentials: {
    request: 'token',
    timeoutMs: 10_000,
    repeatable: true,
    params: ({ scope }) => ({ grant_type: 'client_credentials', scope }),
    onInvalidGrant: 'invalid_grant',
  },
  refresh_token: {
    request: 'refresh',
    timeoutMs: 30_000,
    repeatable: false,
    params: ({ scope }, refreshToken) => ({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      scope,
    }),
    onInvalidGrant: 'reauthorization',
  },
  password: {
    request: 'token',
    timeoutMs: 10_000,
    repeatable: false,
    params: ({ username, password, scope }) => ({
      grant_type: 'password',
      username,
      password: password?.reveal(),
      scope,
    }),
    onInvalidGrant: 'invalid_grant',
  },
};

/** The grant of a credential, for one tenant. */
export function createGrant({ config, provider, tenant, clock, http }: GrantInit): Grant {
  const kind = kinds[config.grant_type];
  const session = new RefreshSession(
    config.grant_type === 'refresh_token' ? config.refresh_token : undefined,
  );

  async function attempt(signal: AbortSignal, attempts: number): Promise<GrantOutcome> {
    const secrets = fingerprint(config);
    const outcome = await exchange(signal, attempts);
    return 'granted' in outcome ? outcome : { ...outcome, secrets };
  }

  async function exchange(signal: AbortSignal, attempts: number): Promise<GrantOutcome> {
    const t0 = { t0Mono: clock.mono(), t0Wall: clock.wall() };
    const refreshToken = session.current();
    if (kind.request === 'refresh' && refreshToken === undefined) {
      return refused(
        'reauthorization',
        'no_refresh_token',
        'the credential has no refresh_token to start with',
      );
    }
    try {
      const message = buildTokenRequest({
        provider,
        kind: kind.request,
        params: kind.params(config, refreshToken),
        credentialParams: config.params,
        client: { id: config.client_id, secret: config.client_secret?.reveal() },
        placeholders: { tenant },
      });
      const answer = await http.send(message, signal);
      if ('kind' in answer) return { failure: answer };
      const read = readTokenAnswer({
        provider,
        ...answer,
        wallNow: clock.wall(),
        secrets: [...revealed(config), ...(refreshToken === undefined ? [] : [refreshToken])],
      });
      if (kind.request === 'refresh' && answer.status >= 200 && answer.status <= 299) {
        session.replace(readRefreshToken(provider, answer.body));
      }
      if (read.ok) {
        const { accessToken: value, lifetimeMs, lifetimeKnown, renewAfterMs, warnings } = read;
        const fields = renderAttach(provider, read.fields);
        return {
          granted: { value, fields, lifetimeMs, lifetimeKnown, renewAfterMs, ...t0, attempts, warnings },
        };
      }
      const answered = answerTime(answer.date, clock.wall());
      return {
        failure: {
          kind: read.kind === 'invalid_grant' ? kind.onInvalidGrant : read.kind,
          error: read.error ?? `http_${read.status}`,
          status: read.status,
          detail: read.detail,
          retryAfterMs: parseRetryAfter(answer.retryAfter, answered),
        },
      };
    } catch (error) {
      // A flight must always end: what nobody expected counts as a failure that passes, and is logged as one.
      if (!(error instanceof CupbearerError))
        return refused('transient', 'internal', 'an error inside Cupbearer');
      const badAnswer = error.code === 'token-answer-invalid';
      return refused(badAnswer ? 'bad_answer' : 'config', error.code, error.message);
    }
  }

  return {
    timeoutMs: kind.timeoutMs,
    get irreplaceable() {
      return session.rotated;
    },
    secrets: () => fingerprint(config),
    async request(signal, mayRepeat) {
      const used = fingerprint(config);
      const first = await attempt(signal, 1);
      if ('granted' in first || signal.aborted) return first;
      if (first.failure.kind === 'invalid_client' && reread(config) && fingerprint(config) !== used) {
        return attempt(signal, 2);
      }
      if (!mayRepeat || !kind.repeatable || !repeatable(first.failure)) return first;
      await new Promise<void>((resolve) => clock.after(200 + 300 * clock.random(), resolve));
      return signal.aborted ? first : attempt(signal, 2);
    },
  };
}

/** Nothing was sent, or a server said that it did nothing and did not say when to come back. */
function repeatable({ kind, status = 0, unsent, retryAfterMs }: Failure): boolean {
  if (kind !== 'transient' || retryAfterMs !== undefined) return false;
  return unsent === true || status === 502 || status === 503 || status === 504;
}

function refused(kind: Failure['kind'], error: string, detail: string): GrantOutcome {
  return { failure: { kind, error, detail } };
}

/** The refresh token in force: the configured one, then each that an answer brings (RFC 6749 §6). */
class RefreshSession {
  readonly #secret: Secret | undefined;
  #seed: string | undefined;
  #latest: string | undefined;

  constructor(secret: Secret | undefined) {
    this.#secret = secret;
    this.#seed = secret?.reveal();
  }

  /** A configured token that has changed since is a new login and replaces what came of the old. */
  current(): string | undefined {
    const configured = this.#secret?.reveal();
    if (configured !== this.#seed) {
      this.#seed = configured;
      this.#latest = undefined;
    }
    return this.#latest ?? this.#seed;
  }

  replace(refreshToken: string | undefined): void {
    if (refreshToken !== undefined) this.#latest = refreshToken;
  }

  get rotated(): boolean {
    return this.#latest !== undefined && this.#latest !== this.#seed;
  }
}

function secretsOf(config: CredentialConfig): Secret[] {
  const all = [config.client_secret, config.password, config.refresh_token];
  return all.filter((secret) => secret !== undefined);
}

function revealed(config: CredentialConfig): string[] {
  return secretsOf(config).map((secret) => secret.reveal());
}

function fingerprint(config: CredentialConfig): string {
  return createHash('sha256')
    .update(JSON.stringify(revealed(config)))
    .digest('base64');
}

/** Reads every secret of the credential from its source again. A source that cannot be read leaves the old text: false. */
export function reread(config: CredentialConfig): boolean {
  try {
    for (const secret of secretsOf(config)) secret.reread();
    return true;
  } catch {
    return false;
  }
}

import { CupbearerError, type ErrorCode } from '../errors.ts';
import type { SessionKey } from '../store/session.ts';
import { tlsFault } from '../tls-faults.ts';

/**
 * Why a token request brought no token. `transient`, `timeout`, `rate_limited` and `bad_answer` pass by themselves;
 * `config` and `invalid_client` need the operator; `invalid_grant` means the credential's grant is no longer good;
 * `reauthorization` that its refresh token is spent or that nobody has logged in; `store` that the session store cannot
 * be reached, `store_unreadable` that what it holds cannot be read; `lender` that the credential it uses has no token;
 * `stopped` that we are shutting down.
 */
export type FailureKind =
  | 'transient'
  | 'timeout'
  | 'rate_limited'
  | 'bad_answer'
  | 'config'
  | 'invalid_client'
  | 'invalid_grant'
  | 'reauthorization'
  | 'store'
  | 'store_unreadable'
  | 'lender'
  | 'stopped';

export interface Failure {
  readonly kind: FailureKind;
  /** Short code: an OAuth error code (RFC 6749 §5.2), `http_503`, `ECONNREFUSED`. */
  readonly error: string;
  /** HTTP status of the answer, when there was one. */
  readonly status?: number | undefined;
  /** For the log. Holds no secret. */
  readonly detail: string;
  /** What to do, as far as the answer tells more than the kind does. Holds no secret. */
  readonly advice?: string | undefined;
  /** What the provider asked us to wait, ms. */
  readonly retryAfterMs?: number | undefined;
  /** No request left this machine, so a repetition cannot do anything twice. */
  readonly unsent?: boolean | undefined;
  /** No provider was asked: what the store says was enough. Looking again soon costs nothing, and is no news. */
  readonly local?: boolean | undefined;
  /** Asking again with the same secret may lock an account. */
  readonly mayLock?: boolean | undefined;
  /** Of `lender`: the stable code of the other credential's error. */
  readonly code?: ErrorCode | undefined;
}

/** A flight's time was over. */
export const timedOut: Failure = {
  kind: 'timeout',
  error: 'timeout',
  detail: 'the token endpoint did not answer in time',
};

/** A flight was ended because we stop. */
export const stopped: Failure = { kind: 'stopped', error: 'stopped', detail: 'shutting down' };

/** Whether a failure stays until somebody changes something, so that only rare probes make sense. */
export function isPermanent(kind: FailureKind): boolean {
  return (
    kind === 'config' ||
    kind === 'invalid_client' ||
    kind === 'invalid_grant' ||
    kind === 'reauthorization' ||
    kind === 'store_unreadable'
  );
}

/**
 * The error a caller gets who needed the token. `retryAfterMs` says when the next attempt may run.
 * A timed-out flight is `token-timeout` for those who waited (`waited`), `token-unavailable` for those who come later.
 */
export function tokenError(
  subject: SessionKey,
  failure: Failure,
  options: { readonly retryAfterMs?: number; readonly waited?: boolean } = {},
): CupbearerError {
  const { credential, tenant } = subject;
  const whose = tenant === undefined ? credential : `${credential} (tenant ${tenant})`;
  const query = tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`;
  const say = (text: string) => `credential ${whose}: ${text}`;
  const later = options.retryAfterMs === undefined ? {} : { retryAfterMs: options.retryAfterMs };
  const { kind, error } = failure;
  switch (kind) {
    case 'transient':
      if (failure.local) return new CupbearerError('token-unavailable', say(failure.detail), later);
      return new CupbearerError(
        'token-unavailable',
        say(
          failure.status === undefined
            ? `the token endpoint could not be reached (${error}); ${tlsFault(error, ' of the credential') ?? "check the provider's token.url and the network"}`
            : `the token endpoint failed (${error}, status ${failure.status}); it will be asked again`,
        ),
        later,
      );
    case 'timeout':
      return new CupbearerError(
        options.waited ? 'token-timeout' : 'token-unavailable',
        say(`the token endpoint did not answer in time; check the provider's token.url and the network`),
        later,
      );
    case 'rate_limited':
      return new CupbearerError(
        'token-unavailable',
        say(`the provider limits the rate of token requests (${error}); it will be asked again later`),
        later,
      );
    case 'bad_answer':
      return new CupbearerError(
        'token-answer-invalid',
        say(
          `the provider's token answer was not understood (${error}); ${failure.advice ?? "check the provider's response section"}`,
        ),
        later,
      );
    case 'invalid_client':
      return new CupbearerError(
        'token-refused',
        say(`the provider refused the client (${error}); check client_id and client_secret`),
      );
    case 'invalid_grant':
      return new CupbearerError(
        'token-refused',
        say(`the provider refused the grant (${error}); check grant_type and what it needs`),
      );
    case 'config':
      if (failure.unsent) {
        return new CupbearerError(
          'token-refused',
          say(`the token request could not be made: ${failure.detail}`),
        );
      }
      return new CupbearerError(
        'token-refused',
        say(
          `the provider refused the token request (${error}); ${failure.advice ?? "check the credential and the provider's token section"}`,
        ),
      );
    case 'reauthorization':
      return new CupbearerError(
        'reauthorization-required',
        say(
          error === 'no_session'
            ? `nobody has logged in yet; run: ${loginCommand(subject)}, or open /login/${credential}${query} on the admin listener`
            : `${failure.local ? failure.detail : 'the provider no longer accepts the refresh token'} (${error}); log in again (${loginCommand(subject)}), or give a new refresh_token`,
        ),
      );
    case 'store':
      return new CupbearerError('store-unavailable', say(failure.detail), later);
    case 'store_unreadable':
      return new CupbearerError('store-unreadable', say(failure.detail));
    case 'lender':
      return new CupbearerError(failure.code ?? 'token-unavailable', say(failure.detail), later);
    case 'stopped':
      return new CupbearerError('shutting-down', say('no new token is fetched while shutting down'));
  }
}

/** For a shell: a tenant may hold what one obeys. */
function loginCommand({ credential, tenant }: SessionKey): string {
  if (tenant === undefined) return `cupbearer login ${credential}`;
  const word = /^[\w.:@/-]+$/.test(tenant) ? tenant : `'${tenant.replaceAll("'", "'\\''")}'`;
  return `cupbearer login ${credential} --tenant ${word}`;
}

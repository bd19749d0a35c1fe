import type { Failure } from './failure.ts';

/* What a session's state alone decides: no provider was asked. */

/** Nobody has logged in. */
export const noSession: Failure = {
  kind: 'reauthorization',
  error: 'no_session',
  detail: 'nobody has logged in yet, and the credential has no refresh_token to start with',
  local: true,
};

/** The session ends with its access token. */
export const noRefreshToken: Failure = {
  kind: 'reauthorization',
  error: 'no_refresh_token',
  detail: 'the login brought no refresh token, and the access token is over',
  local: true,
};

/** Whether the refresh token was taken is not known, and asking again now could cost the token at hand. */
export const unanswered: Failure = {
  kind: 'transient',
  error: 'unanswered',
  detail: 'the last renewal went unanswered; it is tried once more when the token at hand is over',
  local: true,
};

/** Somebody else holds the lease, and for long. */
export const busy: Failure = {
  kind: 'transient',
  error: 'busy',
  detail: 'another process has been renewing this session for a while; try again',
  local: true,
};

/** Another process was faster. */
export const overtaken: Failure = {
  kind: 'transient',
  error: 'overtaken',
  detail: 'another process changed the session meanwhile; try again',
  local: true,
};

/** The refresh token was refused for good, with this error code. */
export function spentBefore(error: string): Failure {
  return {
    kind: 'reauthorization',
    error,
    detail: 'the provider refused the refresh token before',
    local: true,
  };
}

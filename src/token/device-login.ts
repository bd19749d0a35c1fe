import { CupbearerError } from '../errors.ts';
import { parseAnswer } from '../provider/answer.ts';
import { readSeconds } from '../provider/expiry.ts';
import { deviceCode as deviceGrant } from '../provider/grant-type.ts';
import { target as targetOf } from './grant-kinds.ts';
import { cleaned, whyEnded } from './login-callback.ts';
import { keepSession, type LoggedIn, type LoginTarget } from './login-session.ts';
import { pause } from './pause.ts';
import { ageOf } from './region.ts';

/** What a person needs to log in on another device, and what we poll with. The device code is secret. */
export interface DeviceCodes {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly verificationUri: string;
  /** The same with the code in it. */
  readonly verificationUriComplete: string | undefined;
  /** Milliseconds from t0 until the codes expire, and between two polls: 1 s to 60 s. */
  readonly lifetimeMs: number;
  readonly intervalMs: number;
  readonly t0Mono: number;
  readonly t0Wall: number;
}

const defaultLifetimeMs = 600_000;
const defaultIntervalMs = 5_000;
const shortestIntervalMs = 1_000;
const longestIntervalMs = 60_000;
const slowDownMs = 5_000;
const longestWaitMs = 60_000;
const pollMs = 30_000;

/** Asks for the codes (RFC 8628 §3.1, §3.2). Throws `login-failed`. */
export async function startDeviceLogin(target: LoginTarget, signal: AbortSignal): Promise<DeviceCodes> {
  const { endpoint, key } = target;
  const failed = (why: string) =>
    new CupbearerError(
      'login-failed',
      `credential ${key.credential}: the provider gave no device code: ${why}`,
    );
  const answer = await endpoint.send(
    { kind: 'device_authorization', params: targetOf(target.config) },
    signal,
  );
  if ('kind' in answer) throw failed(`${answer.detail} (${answer.error})`);
  if (answer.status < 200 || answer.status > 299) {
    const read = endpoint.read(answer);
    const error = 'failure' in read ? read.failure.error : 'no_error';
    throw failed(`it answered ${answer.status} (${error})`);
  }
  const body = parseAnswer(answer.body) ?? {};
  const deviceCode = textOf(body.device_code);
  const userCode = cleaned(textOf(body.user_code) ?? '');
  // The older name is Google's.
  const verificationUri = linkOf(body.verification_uri ?? body.verification_url);
  if (deviceCode === undefined || userCode === '' || verificationUri === undefined) {
    throw failed('its answer was not understood; check device_authorization.url');
  }
  return {
    deviceCode,
    userCode,
    verificationUri,
    verificationUriComplete: linkOf(body.verification_uri_complete),
    lifetimeMs: readSeconds(body.expires_in) ?? defaultLifetimeMs,
    intervalMs: Math.min(
      Math.max(readSeconds(body.interval) ?? defaultIntervalMs, shortestIntervalMs),
      longestIntervalMs,
    ),
    t0Mono: answer.t0Mono,
    t0Wall: answer.t0Wall,
  };
}

/**
 * Polls until the person has decided (RFC 8628 §3.4, §3.5), and stores the session. `slow_down` lengthens the interval
 * for good, an unanswered poll doubles the next wait. Throws `login-refused` when the person declines or the codes
 * expire or the signal aborts, `login-failed` for anything else.
 */
export async function finishDeviceLogin(
  target: LoginTarget,
  codes: DeviceCodes,
  signal: AbortSignal,
): Promise<LoggedIn> {
  const { clock, endpoint, config } = target;
  const params = { grant_type: deviceGrant, device_code: codes.deviceCode, resource: config.resource };
  let { intervalMs } = codes;
  let waitMs = intervalMs;
  for (let unanswered = 0; ; ) {
    const until = clock.mono() + waitMs;
    while (clock.mono() < until && !signal.aborted) await pause(clock, until - clock.mono(), signal);
    if (signal.aborted) throw whyEnded(signal, 'nobody has confirmed the login in time; start it again');
    if (ageOf(codes, clock.mono(), clock.wall()) >= codes.lifetimeMs) throw expired();
    // Not cut by the signal: the answer may bring what can be had once.
    const ask = { kind: 'token', params, secrets: [codes.deviceCode] } as const;
    const answer = await endpoint.send(ask, AbortSignal.timeout(pollMs));
    const read = 'kind' in answer ? { failure: answer } : endpoint.read(answer, [codes.deviceCode]);
    if ('granted' in read) return keepSession(target, answer, undefined);
    const { failure } = read;
    switch (failure.error) {
      case 'authorization_pending':
        unanswered = 0;
        waitMs = intervalMs;
        break;
      case 'slow_down':
        unanswered = 0;
        intervalMs += slowDownMs;
        waitMs = intervalMs;
        break;
      case 'access_denied':
        throw refused('access was not granted');
      case 'expired_token':
        throw expired();
      default:
        if (failure.kind !== 'transient' && failure.kind !== 'rate_limited') {
          return keepSession(target, answer, undefined);
        }
        unanswered++;
        waitMs = Math.min(intervalMs * 2 ** unanswered, Math.max(longestWaitMs, intervalMs));
        waitMs = Math.max(waitMs, failure.retryAfterMs ?? 0);
    }
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** An address that a person may be sent to. */
function linkOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const { protocol, href } = new URL(value);
  return protocol === 'https:' || protocol === 'http:' ? href : undefined;
}

function expired(): CupbearerError {
  return refused('the code has expired before anybody confirmed the login; start it again');
}

function refused(message: string): CupbearerError {
  return new CupbearerError('login-refused', message);
}

import type { Clock } from './clock.ts';
import { type Failure, isPermanent } from './failure.ts';

/** What a failure leaves behind: until when no token request starts. It gates requests, never serving. */
export interface Gate {
  readonly blocked: boolean;
  readonly failure: Failure;
  /** Failures of this sort in a row. */
  readonly failures: number;
  /** Monotonic ms; the wait is shorter once no token is left to serve. */
  readonly untilServing: number;
  readonly untilStarved: number;
  /** Fingerprint of the secrets that failed: other secrets lift the gate. */
  readonly secrets: string;
}

const baseMs = 1_000;
const capServingMs = 60_000;
const capStarvedMs = 30_000;
const probeMs = 60_000;
const maxProbeMs = 900_000;
const slowDownMs = 5_000;
const recheckMs = 2_000;
const maxStoreMs = 3_000;

/**
 * The gate after one more failure. Transient ones wait 1 s, 2 s, 4 s … ± half of it, to at most 60 s (30 s without a
 * token, 3 s for a store that is away); a provider's Retry-After is never undercut, and lengthened by up to 20 % so that
 * replicas spread. Permanent ones are probed after 60 s, 120 s … 15 min, and after 15 min where asking again may lock an
 * account. What the store alone decides, such as that a login is needed, is looked at again after 2 s.
 */
export function nextGate(previous: Gate | undefined, failure: Failure, secrets: string, clock: Clock): Gate {
  const blocked = isPermanent(failure.kind);
  const sameSort = previous?.blocked === blocked ? previous.failures + 1 : 1;
  const failures = failure.local ? (previous?.failures ?? 0) : sameSort;
  const now = clock.mono();
  const shared = { blocked, failure, failures, secrets };
  const after = (wait: number): Gate => ({ ...shared, untilServing: now + wait, untilStarved: now + wait });
  if (failure.local || failure.kind === 'reauthorization') return after(recheckMs);
  if (blocked)
    return after(failure.mayLock ? maxProbeMs : Math.min(probeMs * 2 ** (failures - 1), maxProbeMs));
  const random = clock.random();
  const asked = (failure.retryAfterMs ?? 0) * (1 + 0.2 * random);
  const most = failure.kind === 'store' ? maxStoreMs : Infinity;
  const step = Math.min(baseMs * 2 ** Math.min(failures - 1, 16), most);
  const extra = failure.error === 'slow_down' ? slowDownMs : 0;
  const wait = (cap: number) => Math.max(Math.min(step, cap) * (0.5 + random) + extra, asked);
  return { ...shared, untilServing: now + wait(capServingMs), untilStarved: now + wait(capStarvedMs) };
}

const maxRetryAfterMs = 3_600_000;

/**
 * Milliseconds a Retry-After field asks for (RFC 9110 §10.2.3: delay-seconds or HTTP-date), at most an hour;
 * undefined when it is neither. `sentAt` is when the answer was made, ms since the epoch: its Date field if it had one.
 */
export function parseRetryAfter(value: string | undefined, sentAt: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, maxRetryAfterMs);
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(date)) return undefined;
  return Math.min(Math.max(date - sentAt, 0), maxRetryAfterMs);
}

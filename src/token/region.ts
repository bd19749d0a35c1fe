import type { Token } from './token.ts';

/**
 * What may be done with a token of some age: FRESH serve, SOFT serve and renew in the background, HARD renew and
 * wait but serve when that fails, EXPIRED never serve.
 */
export type Region = 'FRESH' | 'SOFT' | 'HARD' | 'EXPIRED';

export interface Thresholds {
  /** Milliseconds from the token request to true expiry, at most 24 h unless it is endless. */
  readonly lifetimeMs: number;
  /** Ages in ms at which SOFT and HARD begin. */
  readonly refreshAt: number;
  readonly hardAt: number;
}

/** Of a token that has no end; every age of it is FRESH. A number that passes through JSON. */
export const endless: Thresholds = {
  lifetimeMs: Number.MAX_SAFE_INTEGER,
  refreshAt: Number.MAX_SAFE_INTEGER,
  hardAt: Number.MAX_SAFE_INTEGER,
};

const maxLifetimeMs = 86_400_000;
const idleMs = 600_000;

/** Whether a token of this lifetime never expires by itself. */
export function isEndless({ lifetimeMs }: Pick<Thresholds, 'lifetimeMs'>): boolean {
  return lifetimeMs === endless.lifetimeMs;
}

/**
 * The ages at which a token of this lifetime changes region. `renewAfterMs` is the provider's hint for the start of
 * SOFT; `random` in [0, 1) draws the jitter that moves it earlier. Every margin shrinks with the lifetime, so that a
 * token of a few seconds is still used for most of them.
 */
export function thresholds(lifetimeMs: number, renewAfterMs: number | undefined, random: number): Thresholds {
  const lifetime = Number.isNaN(lifetimeMs) ? 0 : clamp(lifetimeMs, 0, maxLifetimeMs);
  const hardAt = lifetime - Math.min(clamp(0.05 * lifetime, 1_000, 30_000), lifetime / 2);
  const softWindow = Math.min(clamp(0.2 * lifetime, 5_000, 300_000), hardAt / 4);
  const hinted = renewAfterMs !== undefined && renewAfterMs > 0 && renewAfterMs < hardAt;
  const softAt = hinted ? renewAfterMs : hardAt - softWindow;
  const jitter = random * Math.min(0.1 * lifetime, 300_000, softAt / 2);
  return { lifetimeMs: lifetime, refreshAt: softAt - jitter, hardAt };
}

/**
 * Milliseconds since the token was asked for, on whichever clock says more: the monotonic one may sleep with the
 * machine, the wall clock may be set back.
 */
export function ageOf(token: Pick<Token, 't0Mono' | 't0Wall'>, mono: number, wall: number): number {
  return Math.max(mono - token.t0Mono, wall - token.t0Wall, 0);
}

/** The age in ms up to which a token is served at all: a second before true expiry, to leave time on the way. */
export function serveUntil(token: Thresholds): number {
  return Math.max(token.hardAt, token.lifetimeMs - 1_000);
}

export function regionOf(token: Thresholds, age: number): Region {
  if (age < token.refreshAt) return 'FRESH';
  if (age < token.hardAt) return 'SOFT';
  return age < serveUntil(token) ? 'HARD' : 'EXPIRED';
}

/** Whether a token last used at `usedMono` was used lately enough to be renewed ahead of its next use. */
export function isInUse(
  token: Pick<Token, 't0Mono' | 'refreshAt' | 'hardAt' | 'sliding'>,
  usedMono: number,
  mono: number,
): boolean {
  if (mono - usedMono > token.hardAt - token.refreshAt + idleMs) return false;
  return !token.sliding || usedMono > token.t0Mono;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

import { createHash, randomBytes } from 'node:crypto';
import type { RawAnswer, Session } from '../store/session.ts';
import { type Clock, clockSlackMs } from './clock.ts';
import type { Granted } from './grant.ts';
import { thresholds } from './region.ts';

/** In the place of an error code: the session was revoked by its operator. */
export const revokedMark = 'revoked';

/** A new name for a refresh token in force. */
export function newHead(): string {
  return randomBytes(12).toString('base64url');
}

/** What marks a session as begun with this configured refresh token: its SHA-256. */
export function seedOf(refreshToken: string | undefined): string | undefined {
  return refreshToken === undefined
    ? undefined
    : createHash('sha256').update(refreshToken).digest('base64url');
}

/** The session a configured refresh token starts, in the place of another. */
export function seeded(refreshToken: string, before: Session | undefined): Session {
  const former_seeds = formerSeeds(before);
  return { head: newHead(), refresh_token: refreshToken, seed: seedOf(refreshToken), former_seeds };
}

const rememberedSeeds = 8;

/** The seeds whose time is over once another session takes the place of this one. */
export function formerSeeds(before: Session | undefined): readonly string[] {
  const own = before?.seed === undefined ? [] : [before.seed];
  return [...(before?.former_seeds ?? []), ...own].slice(-rememberedSeeds);
}

/**
 * Whether the configuration has a refresh token that the session does not descend from: an operator's new start. One
 * that was in force before is none: that is a process whose configuration is old.
 */
export function isSuperseded(session: Session, seed: string | undefined): boolean {
  return seed !== undefined && session.seed !== seed && !session.former_seeds?.includes(seed);
}

/** The session after an answer that brought `refreshToken`, or none: the old one stays (RFC 6749 §6). Not yet read. */
export function advanced(session: Session, refreshToken: string | undefined, answer: RawAnswer): Session {
  const { intent: _intent, spent: _spent, ...rest } = session;
  const raw = rawOf(answer);
  const isNew = refreshToken !== undefined && refreshToken !== session.refresh_token;
  return { ...rest, raw, ...(isNew ? { head: newHead(), refresh_token: refreshToken } : {}) };
}

/** What of an answer is kept. */
export function rawOf({ status, contentType, date, body, t0Wall }: RawAnswer): RawAnswer {
  return { status, contentType, date, body, t0Wall };
}

/** The session with its answer read. */
export function withToken({ raw: _raw, ...session }: Session, granted: Granted, storedWall: number): Session {
  const { value, fields, lifetimeMs, lifetimeKnown, renewAfterMs, t0Wall } = granted;
  return {
    ...session,
    token: { value, fields, lifetimeMs, lifetimeKnown, renewAfterMs, t0Wall, storedWall },
  };
}

/**
 * The stored token as a grant, when it serves for a while yet. Stored times are those of the wall clock: a token from
 * the future means that the clock was set back, and counts as expired.
 */
export function storedGrant({ token }: Session, clock: Clock): Granted | undefined {
  if (token === undefined) return undefined;
  const wall = clock.wall();
  const { storedWall, t0Wall, lifetimeMs, renewAfterMs, ...rest } = token;
  if (wall < storedWall - clockSlackMs || wall - t0Wall >= thresholds(lifetimeMs, undefined, 0).hardAt)
    return undefined;
  return {
    ...rest,
    lifetimeMs,
    renewAfterMs: renewAfterMs ?? undefined,
    t0Wall,
    t0Mono: clock.mono() - (wall - t0Wall),
    attempts: 0,
    warnings: [],
    stored: true,
  };
}

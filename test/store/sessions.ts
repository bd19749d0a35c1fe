import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { CupbearerError, type ErrorCode } from '../../src/errors.ts';
import type { Session } from '../../src/store/session.ts';

/** Stands in every secret of a full session, so that a scan of raw bytes finds any that leaks. */
export const sentinel = 'SENTINEL-5f1c';

/** A session with every member. */
export function fullSession(head: string, changes: Partial<Session> = {}): Session {
  return {
    head,
    refresh_token: `${sentinel}-refresh`,
    seed: `${sentinel}-seed`,
    login: { code: `${sentinel}-code`, redirect_uri: 'http://127.0.0.1/callback' },
    intent: { owner: 'one', startedWall: 1_900_000_000_000 },
    raw: {
      status: 200,
      contentType: 'application/json',
      body: `{"access_token":"${sentinel}-raw"}`,
      t0Wall: 1,
    },
    token: {
      value: `${sentinel}-access`,
      fields: ['Authorization', `Bearer ${sentinel}-access`],
      lifetimeMs: 300_000,
      lifetimeKnown: true,
      renewAfterMs: 250_000.5,
      t0Wall: 1_900_000_000_000,
      storedWall: 1_900_000_000_500,
    },
    spent: 'invalid_grant',
    ...changes,
  };
}

/** A session with what none can lack. */
export function smallSession(head: string, refreshToken = 'r'): Session {
  return { head, refresh_token: refreshToken };
}

export function newKey(): Secret {
  return new Secret(randomBytes(32).toString('base64'));
}

/** The error of what must fail with this code. */
export async function failureOf(work: () => Promise<unknown>, code: ErrorCode): Promise<CupbearerError> {
  const error = await work().then(
    () => expect.unreachable('it did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CupbearerError);
  expect({ code: (error as CupbearerError).code, message: (error as Error).message }).toMatchObject({ code });
  return error as CupbearerError;
}

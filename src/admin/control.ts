import { Hono } from 'hono';
import type { Revocation } from '../token/revocation.ts';
import type { AdminEnv } from './guard.ts';
import type { RouteTrends } from './instance-status.ts';
import type { StatusReport } from './status.ts';
import { askedSubject } from './subject.ts';

export interface ControlOptions {
  readonly status: () => Promise<StatusReport>;
  /** Renews the token of a credential now. May reject with CupbearerError. */
  readonly renew: (credential: string, tenant: string | undefined) => Promise<void>;
  /** What the routes did lately. */
  readonly trends?: () => Promise<RouteTrends | undefined>;
  /** Revokes the tokens of a credential and deletes its session. May reject with CupbearerError. */
  readonly revoke: (credential: string, tenant: string | undefined) => Promise<Revocation>;
}

/**
 * What `POST /api/revoke/CREDENTIAL[?tenant=T]` answers. Names are stable; nothing in it is secret.
 *
 * - `revoked`: how many tokens the provider has revoked.
 * - `session_deleted`: a session was there, and is deleted.
 * - `supported`: the provider has a revocation endpoint.
 * - `error`: why a token may still be good; absent when the provider refused nothing. `status` is the HTTP status of its
 *   answer, when there was one.
 */
export interface RevokeReport {
  readonly credential: string;
  readonly tenant?: string;
  readonly revoked: number;
  readonly session_deleted: boolean;
  readonly supported: boolean;
  readonly error?: { readonly error: string; readonly status?: number; readonly detail: string };
}

/** A revocation as its report. */
export function revokeReport(
  credential: string,
  tenant: string | undefined,
  { revoked, deleted, unsupported, failure }: Revocation,
): RevokeReport {
  return {
    credential,
    ...(tenant === undefined ? {} : { tenant }),
    revoked,
    session_deleted: deleted,
    supported: !unsupported,
    ...(failure === undefined ? {} : { error: errorOf(failure) }),
  };
}

function errorOf({ error, status, detail }: NonNullable<Revocation['failure']>) {
  return { error, ...(status === undefined ? {} : { status }), detail };
}

/** What an operator asks of a running Cupbearer. The caller stands guard and answers for errors. */
export function createControl({ status, renew, revoke }: ControlOptions): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  app.get('/status', async (c) => c.json(await status()));
  app.post('/renew/:credential', async (c) => {
    const { credential, tenant } = askedSubject(c);
    await renew(credential, tenant);
    return c.json({ status: 'ok' });
  });
  app.post('/revoke/:credential', async (c) => {
    const { credential, tenant } = askedSubject(c);
    return c.json(revokeReport(credential, tenant, await revoke(credential, tenant)));
  });
  return app;
}

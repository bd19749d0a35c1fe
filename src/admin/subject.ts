import type { Context } from 'hono';
import type { Subject } from '../token/events.ts';
import type { AdminEnv } from './guard.ts';

/** Whom a path `…/CREDENTIAL[?tenant=T]` is about. */
export interface AskedSubject extends Subject {
  readonly tenant: string | undefined;
}

/** The subject that the path of a request names. */
export function askedSubject(c: Context<AdminEnv>): AskedSubject {
  return { credential: c.req.param('credential') ?? '', tenant: c.req.query('tenant') || undefined };
}

/** The end of a path that names it. */
export function subjectPath({ credential, tenant }: Subject): string {
  const query = tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`;
  return encodeURIComponent(credential) + query;
}

/** What a person calls it. */
export function whose({ credential, tenant }: Subject): string {
  return tenant === undefined ? credential : `${credential}, tenant ${tenant}`;
}

import { ErrorReply } from '@redis/client';
import { CupbearerError } from '../errors.ts';

/** What the first word of an error reply means, and what to do. */
const replies: Record<string, string> = {
  WRONGPASS: 'it refuses the user or password in store.url',
  NOAUTH: 'it wants a password: write redis://user:password@host in store.url',
  NOPERM: 'the user in store.url lacks rights: allow it ~cupbearer:* +@read +@write +@scripting',
  WRONGTYPE: 'a key of the session has another type: something else writes to cupbearer:* there',
  READONLY: 'it is a replica, which cannot be written: name the primary in store.url',
  OOM: 'it is out of memory: raise its maxmemory',
  MISCONF: 'it cannot save to its disk: look at its log',
  LOADING: 'it is still loading its data',
  BUSY: 'it is busy with a script',
  NOREPLICAS: 'too few of its replicas are up',
  MASTERDOWN: 'it is a replica that has lost its primary',
  MOVED: 'it is part of a Redis Cluster, which cannot be used: name a single server in store.url',
  CLUSTERDOWN: 'it is part of a Redis Cluster, which cannot be used: name a single server in store.url',
};

const known = new RegExp(`\\b(?:${Object.keys(replies).join('|')})\\b`);

/** What a script's command that the user may not run gives instead of NOPERM (Redis 7, Redis 6). */
const scriptNotAllowed = /The user executing the script can't|ACL failure in script/;

/**
 * What an error of the client means, for the server at `host:port`. Of a reply only its code is told: the rest may hold
 * what was sent.
 */
export function toStoreError(error: unknown, server: string): CupbearerError {
  if (error instanceof CupbearerError) return error;
  const why = error instanceof ErrorReply ? meaningOfReply(error) : meaningOfFault(error);
  return new CupbearerError(
    'store-unavailable',
    `the session store Redis at ${server} cannot be used: ${why}`,
  );
}

/** Whether another connection may lead to a server that can be written. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof ErrorReply && /\bREADONLY\b/.test(error.message);
}

function meaningOfReply({ message }: ErrorReply): string {
  const code = scriptNotAllowed.test(message) ? 'NOPERM' : known.exec(message)?.[0];
  if (code !== undefined) return `${replies[code]} (${code})`;
  return `it answered with the error ${/^[A-Z]{1,32}\b/.exec(message)?.[0] ?? 'ERR'}`;
}

function meaningOfFault(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  const text = typeof code === 'string' ? code : error instanceof Error ? error.constructor.name : '';
  return `no connection (${/^\w{1,64}$/.test(text) ? text : 'error'})`;
}

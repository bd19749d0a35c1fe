import type { Clock } from '../token/clock.ts';
import { Instances } from '../token/instances.ts';
import type { NoteSecret } from '../token/live-secrets.ts';
import type { TenantBounds } from '../token/tenants.ts';
import type { TokenSource } from '../token/token.ts';
import { BorrowedToken } from './borrowed-token.ts';
import type { Channel, Message } from './channel.ts';
import type { Owner } from './owner.ts';
import type { Answer, Current, Reply } from './token-messages.ts';

export interface TokenClientInit {
  /** To the process that has the registry. */
  readonly channel: Channel;
  readonly clock: Clock;
  /** The credentials of the configuration: which of them have tenants, and how many at most. */
  readonly credentials: Readonly<Record<string, { readonly tenant?: TenantBounds | undefined }>>;
  /** Is told every token's value before it is used. */
  readonly note: NoteSecret;
}

/** The tokens of all credentials, in a process that has no registry. */
export interface TokenClient {
  /**
   * The token source of a credential, of one tenant when it has tenants. Throws as the registry does: `tenant-required`,
   * `malformed-request`, `tenants-exhausted`, `internal`.
   */
  get(credential: string, tenant?: string): TokenSource;
  /** The other side is gone, or we stop: whoever waits gets `shutting-down`; what may be served still is. */
  close(): void;
}

export function createTokenClient({ channel, clock, credentials, note }: TokenClientInit): TokenClient {
  const pending = new Map<number, (reply: Reply) => void>();
  let asked = 0;
  let closed = false;

  const owner: Owner = {
    get closed() {
      return closed;
    },
    ask(question, read, signal) {
      const id = ++asked;
      return new Promise((resolve) => {
        pending.set(id, (reply) => resolve(read(reply)));
        signal.addEventListener('abort', () => pending.delete(id), { once: true });
        channel.send({ ...question, id });
      });
    },
    tell: (what) => channel.send(what),
  };

  const forgotten = (credential: string, tenant: string | undefined) =>
    owner.tell({ kind: 'token-forgotten', credential, tenant });

  const instances = new Instances<BorrowedToken>(
    credentials,
    (credential, tenant) =>
      new BorrowedToken({
        subject: tenant === undefined ? { credential } : { credential, tenant },
        clock,
        owner,
        note,
      }),
    (credential, tenant, instance) => {
      // Exchanges that still have it learn no more of its token.
      instance.drop();
      forgotten(credential, tenant);
    },
  );

  const ignore = channel.listen((message: Message) => {
    if (message.kind === 'token-answer') {
      const answer = message as Answer;
      const settle = pending.get(answer.id);
      pending.delete(answer.id);
      settle?.(answer);
    } else if (message.kind === 'token-current') {
      const { credential, tenant, token } = message as Current;
      const instance = instances.find(credential, tenant);
      if (instance) instance.replace(token);
      else forgotten(credential, tenant);
    }
  });

  return {
    get: (credential, tenant) => instances.get(credential, tenant),
    close() {
      closed = true;
      ignore();
      for (const instance of instances.values()) instance.end();
    },
  };
}

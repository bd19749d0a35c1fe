import type { Clock } from '../token/clock.ts';
import { type Inherited, Instances } from '../token/instances.ts';
import type { NoteSecret } from '../token/live-secrets.ts';
import type { TenantBounds } from '../token/tenants.ts';
import type { TokenSource } from '../token/token.ts';
import { BorrowedToken } from './borrowed-token.ts';
import type { Channel, Message } from './channel.ts';
import type { Owner } from './owner.ts';
import type { Answer, Current, EpochSubject, Reply } from './token-messages.ts';

export interface TokenClientInit {
  /** To the process that has the registry. */
  readonly channel: Channel;
  readonly clock: Clock;
  /** Which configuration the worker begins with, as `Registry.at` counts them. */
  readonly epoch: number;
  readonly credentials: Credentials;
  /** Is told every token's value before it is used. */
  readonly note: NoteSecret;
}

/** Those of a configuration: which of them have tenants, and how many at most. */
type Credentials = Readonly<Record<string, { readonly tenant?: TenantBounds | undefined }>>;

/** Credentials that may be put in force. */
export interface NextTokens extends Pick<TokenClient, 'get'> {
  adopt(): void;
}

/** The tokens of all credentials, in a process that has no registry. */
export interface TokenClient {
  /**
   * The token source of a credential, of one tenant when it has tenants. Throws as the registry does: `tenant-required`,
   * `malformed-request`, `tenants-exhausted`, `internal`.
   */
  get(credential: string, tenant?: string): TokenSource;
  /** The credentials of a later configuration; those that are not `changed` stay as they are. */
  prepare(epoch: number, credentials: Credentials, changed: ReadonlySet<string>): NextTokens;
  /** Nobody here goes by another configuration than the one in force any more. */
  release(): void;
  /** The other side is gone, or we stop: whoever waits gets `shutting-down`; what may be served still is. */
  close(): void;
}

export function createTokenClient(init: TokenClientInit): TokenClient {
  const { channel, clock, note } = init;
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

  const forgotten = ({ credential, tenant, epoch }: EpochSubject) =>
    owner.tell({ kind: 'token-forgotten', credential, tenant, epoch });

  function drop(instance: BorrowedToken): void {
    // Exchanges that still have it learn no more of its token.
    instance.drop();
    forgotten(instance.subject);
  }

  const made = (epoch: number, credentials: Credentials, inherited?: Inherited<BorrowedToken>) =>
    new Instances<BorrowedToken>(
      credentials,
      (credential, tenant) =>
        new BorrowedToken({
          subject: tenant === undefined ? { credential, epoch } : { credential, tenant, epoch },
          clock,
          owner,
          note,
        }),
      (_credential, _tenant, instance) => drop(instance),
      inherited,
    );

  let now = made(init.epoch, init.credentials);
  /** Those that an exchange may still go by, the latest first. */
  let all: readonly Instances<BorrowedToken>[] = [now];

  const find = ({ credential, tenant, epoch }: EpochSubject) =>
    all.map((one) => one.find(credential, tenant)).find((one) => one?.subject.epoch === epoch);

  const ignore = channel.listen((message: Message) => {
    if (message.kind === 'token-answer') {
      const answer = message as Answer;
      const settle = pending.get(answer.id);
      pending.delete(answer.id);
      settle?.(answer);
    } else if (message.kind === 'token-current') {
      const current = message as Current;
      const instance = find(current);
      if (instance) instance.replace(current.token);
      else forgotten(current);
    }
  });

  return {
    get: (credential, tenant) => now.get(credential, tenant),
    prepare(epoch, credentials, changed) {
      const next = made(epoch, credentials, { instances: now, has: (name) => !changed.has(name) });
      return {
        get: (credential, tenant) => next.get(credential, tenant),
        adopt() {
          now = next;
          all = [next, ...all];
        },
      };
    },
    release() {
      const kept = new Set(now.values());
      for (const instances of all) {
        for (const one of instances.values()) {
          if (kept.has(one)) continue;
          kept.add(one);
          drop(one);
        }
      }
      all = [now];
    },
    close() {
      closed = true;
      ignore();
      for (const instances of all) for (const instance of instances.values()) instance.end();
    },
  };
}

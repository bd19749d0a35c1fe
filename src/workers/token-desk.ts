import type { Clock } from '../token/clock.ts';
import type { TokenChanged } from '../token/events.ts';
import type { Registry } from '../token/registry.ts';
import type { Token, TokenOwner } from '../token/token.ts';
import type { Channel, Message } from './channel.ts';
import {
  type Answer,
  type Ask,
  type Current,
  type Noted,
  type Refused,
  type Reply,
  sentError,
  sentToken,
  type Taken,
} from './token-messages.ts';

/** Where workers get their tokens: in the process that has the registry. */
export interface TokenDesk {
  /** Answers a worker; gives what ends that, once the worker is gone. Token requests it has caused go on. */
  serve(channel: Channel): () => void;
  /** Hands on what the registry says is to be served now, to the workers that have asked for it. */
  readonly changed: TokenChanged;
}

/** `registry` has to tell its changes to `changed`. */
export function createTokenDesk(registry: Pick<Registry, 'get' | 'find'>, clock: Clock): TokenDesk {
  /** The workers to be told, by credential and tenant. */
  const interested = new Map<string, Set<Channel>>();

  function note(key: string, channel: Channel): void {
    const known = interested.get(key);
    if (known) known.add(channel);
    else interested.set(key, new Set([channel]));
  }

  function forget(key: string, channel: Channel): void {
    const known = interested.get(key);
    if (known?.delete(channel) && known.size === 0) interested.delete(key);
  }

  async function answer(channel: Channel, request: Ask | Refused, signal: AbortSignal): Promise<void> {
    const { id, credential, tenant } = request;
    const reply = (what: Reply) => channel.send<Answer>({ kind: 'token-answer', id, ...what });
    // Whoever learns of a token must learn what becomes of it.
    note(keyOf(credential, tenant), channel);
    try {
      const source = registry.get(credential, tenant);
      const found = request.kind === 'token-ask' ? inForce(source, signal) : better(source, request, signal);
      const token = found instanceof Promise ? await found : found;
      reply({ token: token === undefined ? null : sentToken(token, clock) });
    } catch (error) {
      if (!signal.aborted) reply({ error: sentError(error) });
    }
  }

  function serve(channel: Channel): () => void {
    const leaving = new AbortController();
    const ignore = channel.listen((message) => {
      if (!isForDesk(message)) return;
      const { credential, tenant } = message;
      switch (message.kind) {
        case 'token-ask':
        case 'token-refused':
          void answer(channel, message, leaving.signal);
          break;
        case 'token-taken':
          registry.find(credential, tenant)?.accepted(message, message.origin);
          break;
        case 'token-used':
          registry.find(credential, tenant)?.used();
          break;
        case 'token-forgotten':
          forget(keyOf(credential, tenant), channel);
      }
    });
    return () => {
      ignore();
      leaving.abort();
      for (const key of [...interested.keys()]) forget(key, channel);
    };
  }

  return {
    serve,
    changed({ credential, tenant }, token) {
      const channels = interested.get(keyOf(credential, tenant));
      if (channels === undefined) return;
      const told: Current = {
        kind: 'token-current',
        credential,
        tenant,
        token: token === undefined ? null : sentToken(token, clock),
      };
      for (const channel of channels) channel.send(told);
    },
  };
}

/** The token, asked for again when it has been replaced or revoked in the moment between its arrival and now. */
function inForce(source: TokenOwner, signal: AbortSignal): Token | Promise<Token> {
  const found = source.acquire(signal);
  if (!(found instanceof Promise)) return found;
  return found.then((token) => (token === source.serving ? token : inForce(source, signal)));
}

/** A token with another value than the refused one that is in force now. */
async function better(source: TokenOwner, refused: Refused, signal: AbortSignal): Promise<Token | undefined> {
  const next = await source.rejected(refused, refused.origin, signal);
  const { serving } = source;
  return next === undefined || serving?.hash === refused.hash ? undefined : serving;
}

type FromWorker = Ask | Refused | Taken | Noted;

const kinds = new Set(['token-ask', 'token-refused', 'token-taken', 'token-used', 'token-forgotten']);

function isForDesk(message: Message): message is FromWorker {
  return kinds.has(message.kind);
}

/** A tenant is never the empty text. */
function keyOf(credential: string, tenant: string | undefined): string {
  return `${credential}\n${tenant ?? ''}`;
}

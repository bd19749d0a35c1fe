import type { Clock } from '../token/clock.ts';
import type { TokenChanged } from '../token/events.ts';
import type { Registry } from '../token/registry.ts';
import type { Token, TokenOwner } from '../token/token.ts';
import type { Channel, Message } from './channel.ts';
import {
  type Answer,
  type Ask,
  type Current,
  type EpochSubject,
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
export function createTokenDesk(registry: Pick<Registry, 'at'>, clock: Clock): TokenDesk {
  /** The workers to be told of each token, and what they call its owner. */
  const interested = new WeakMap<TokenOwner, Map<Channel, EpochSubject>>();

  function note(owner: TokenOwner, channel: Channel, subject: EpochSubject): void {
    const known = interested.get(owner) ?? new Map();
    interested.set(owner, known.set(channel, subject));
  }

  async function answer(
    channel: Channel,
    asked: Map<string, TokenOwner>,
    request: Ask | Refused,
    signal: AbortSignal,
  ): Promise<void> {
    const { id, credential, tenant, epoch } = request;
    const reply = (what: Reply) => channel.send<Answer>({ kind: 'token-answer', id, ...what });
    try {
      const source = registry.at(epoch).get(credential, tenant);
      // Whoever learns of a token must learn what becomes of it.
      const before = asked.get(keyOf(request));
      if (before !== undefined && before !== source) interested.get(before)?.delete(channel);
      asked.set(keyOf(request), source);
      note(source, channel, { credential, tenant, epoch });
      const found = request.kind === 'token-ask' ? inForce(source, signal) : better(source, request, signal);
      const token = found instanceof Promise ? await found : found;
      reply({ token: token === undefined ? null : sentToken(token, clock) });
    } catch (error) {
      if (!signal.aborted) reply({ error: sentError(error) });
    }
  }

  function serve(channel: Channel): () => void {
    const leaving = new AbortController();
    /** Whose tokens it was told of. */
    const asked = new Map<string, TokenOwner>();
    const ignore = channel.listen((message) => {
      if (!isForDesk(message)) return;
      const { credential, tenant, epoch } = message;
      const find = () => registry.at(epoch).find(credential, tenant);
      switch (message.kind) {
        case 'token-ask':
        case 'token-refused':
          void answer(channel, asked, message, leaving.signal);
          break;
        case 'token-taken':
          find()?.accepted(message, message.origin);
          break;
        case 'token-used':
          find()?.used();
          break;
        case 'token-forgotten': {
          const owner = asked.get(keyOf(message));
          asked.delete(keyOf(message));
          if (owner !== undefined) interested.get(owner)?.delete(channel);
        }
      }
    });
    return () => {
      ignore();
      leaving.abort();
      for (const owner of asked.values()) interested.get(owner)?.delete(channel);
    };
  }

  return {
    serve,
    changed(_subject, token, owner) {
      const sent = token === undefined ? null : sentToken(token, clock);
      for (const [channel, subject] of interested.get(owner) ?? []) {
        channel.send<Current>({ kind: 'token-current', ...subject, token: sent });
      }
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
function keyOf({ credential, tenant, epoch }: EpochSubject): string {
  return `${epoch} ${credential}\n${tenant ?? ''}`;
}

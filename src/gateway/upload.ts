import type { IncomingMessage } from 'node:http';
import { CupbearerError } from '../errors.ts';
import { bodyTooLarge } from './body-faults.ts';
import type { ExchangeTools } from './exchange-tools.ts';
import type { RequestHead } from './guard.ts';
import { bodyUnreadable } from './unreadable.ts';
import type { Watch, Watched } from './watch.ts';

const bytesPerMs = 1024 / 1000;

/**
 * The time limits of a request body on its way in: how long it may pause, and for an announced one how long it may take
 * beyond that at 1 KiB/s. The time during which nobody takes what comes is not the caller's.
 */
export class Upload implements Watched {
  readonly #incoming: IncomingMessage;
  readonly #watch: Watch;
  readonly #place: number;
  readonly #pauseMs: number;
  readonly #totalMs: number;
  readonly #onSlow: (error: CupbearerError) => void;
  #left: number;
  #lookedAt: number;
  #movedAt: number;
  #received = -1;

  /** `announced` in bytes; `now` and what the watch says are on the same clock. `onSlow` is called once at most. */
  constructor(
    incoming: IncomingMessage,
    announced: number | undefined,
    limits: { readonly pauseMs: number; readonly watch: Watch; readonly now: number },
    onSlow: (error: CupbearerError) => void,
  ) {
    this.#incoming = incoming;
    this.#watch = limits.watch;
    this.#pauseMs = limits.pauseMs;
    this.#totalMs = announced === undefined ? Infinity : limits.pauseMs + announced / bytesPerMs;
    this.#left = this.#totalMs;
    this.#lookedAt = limits.now;
    this.#movedAt = limits.now;
    this.#onSlow = onSlow;
    this.#place = limits.watch.enter(this);
  }

  check(now: number): void {
    const incoming = this.#incoming;
    const passed = now - this.#lookedAt;
    this.#lookedAt = now;
    if (incoming.complete || this.#left < 0) return;
    const received = incoming.socket.bytesRead;
    if (incoming.isPaused() || received !== this.#received) this.#movedAt = now;
    if (!incoming.isPaused()) this.#left -= passed;
    this.#received = received;
    if (now - this.#movedAt < this.#pauseMs && this.#left >= 0) return;
    this.#left = -1;
    this.#onSlow(
      new CupbearerError(
        'request-timeout',
        'the request body came too slowly; raise server.body_timeout if that is expected',
      ),
    );
  }

  /** Ends the watch; must be called exactly once. */
  leave(): void {
    this.#watch.leave(this.#place);
  }
}

/**
 * Watches a request body for its limits: `max` bytes and those of the time it takes. `onFault` hears what is wrong with it,
 * also that the rest cannot be read. Throws CupbearerError `body-too-large` for an announced length beyond `max`.
 */
export function watchUpload(
  incoming: IncomingMessage,
  { contentLength }: Pick<RequestHead, 'contentLength'>,
  max: number | undefined,
  { watch, bodyTimeout, now }: Pick<ExchangeTools, 'watch' | 'bodyTimeout' | 'now'>,
  onFault: (error: CupbearerError) => void,
): Upload {
  if (max !== undefined && (contentLength ?? 0) > max) throw bodyTooLarge(max);
  incoming.once(bodyUnreadable, onFault);
  return new Upload(incoming, contentLength, { pauseMs: bodyTimeout, watch, now: now() }, onFault);
}

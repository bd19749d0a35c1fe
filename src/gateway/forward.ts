import type { ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Route } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import { Delivery } from './delivery.ts';
import { rawFields } from './response-fields.ts';
import { upstreamTimeout } from './upstream-error.ts';
import type { Watch, Watched } from './watch.ts';

/** What the exchange decides and hears about one attempt. */
export interface AttemptEvents {
  /** The final head is here. `hold` keeps the answer back until `pass()` or `discard()` is called. */
  onHead(attempt: Attempt, status: number, raw: readonly Buffer[]): 'pass' | 'hold';
  /** The attempt failed and nothing of it has reached the caller. */
  onFailure(error: unknown): void;
  /** Whether the request body is still on its way, and not because the upstream does not take it. */
  uploading(): boolean;
}

const heldBytes = 64 * 1024;
/** A held body is judged by what has come within two seconds. */
const maxHeldLooks = 4;
const discardBytes = 128 * 1024;
const callerLeft = new CupbearerError('malformed-request', 'the caller went away');

type State = 'waiting' | 'held' | 'passing' | 'discarding' | 'over';

/**
 * One attempt at the upstream: undici's dispatch handler on one side, the caller's response on the other.
 * Streams with back-pressure; a truncated upstream body becomes an aborted response (RFC 9112 §8), never a clean end.
 */
export class Attempt implements Dispatcher.DispatchHandler, Watched {
  readonly #delivery: Delivery;
  readonly #route: Route;
  readonly #events: AttemptEvents;
  #controller: Dispatcher.DispatchController | undefined;
  #state: State = 'waiting';
  #status = 0;
  #reason = '';
  #raw: readonly Buffer[] = [];
  #held: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #failure: unknown;
  #rawTrailers: readonly Buffer[] = [];
  #onHeld: (() => void) | undefined;
  #heldLooks = 0;
  #drain: (() => void) | undefined;
  readonly #watch: Watch;
  readonly #place: number;
  /** Whether something moved on since the last look, and when one was last seen that it had, ms. */
  #moved = true;
  #movedAt = 0;
  #paused = false;

  constructor(outgoing: ServerResponse, route: Route, events: AttemptEvents, watch: Watch) {
    this.#delivery = new Delivery(outgoing, route);
    this.#route = route;
    this.#events = events;
    this.#watch = watch;
    this.#place = watch.enter(this);
  }

  check(now: number): void {
    if (this.#ended || this.#failure !== undefined) return;
    if (this.#moved || this.#paused) {
      this.#moved = false;
      this.#movedAt = now;
    }
    const still = now - this.#movedAt;
    if (this.#state === 'waiting') {
      if (this.#events.uploading()) this.#moved = true;
      else if (still > this.#route.timeout.response) this.#expire();
    } else if (this.#state === 'held') {
      if (++this.#heldLooks >= maxHeldLooks) this.#onHeld?.();
      if (still > this.#route.timeout.idle) this.#expire();
    } else if (this.#state === 'discarding') {
      // What has not ended by now is not worth a connection.
      this.#controller?.abort(callerLeft);
    } else if (still > this.#route.timeout.idle) this.#expire();
    else if (this.#state === 'passing') this.#delivery.flushHead();
  }

  /** Whether the upstream broke the attempt off. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Ends the attempt because the caller is gone; closes its upstream connection. */
  abort(): void {
    this.#over();
    this.#controller?.abort(callerLeft);
  }

  /** The body held so far, once it is complete, reaches 64 KiB or took two seconds. */
  heldBody(): Promise<Buffer> {
    return new Promise((resolve) => {
      const ready = () => resolve(Buffer.concat(this.#held));
      if (this.#ended || this.#failure !== undefined || this.#bytes >= heldBytes) ready();
      else this.#onHeld = ready;
    });
  }

  /** Lets a held answer through to the caller, untouched; one that has broken off meanwhile is a failure. */
  pass(): void {
    if (this.#state !== 'held') return;
    try {
      if (this.#failure !== undefined) throw this.#failure;
      this.#begin();
    } catch (error) {
      this.#over();
      this.#controller?.abort(callerLeft);
      this.#events.onFailure(error);
      return;
    }
    for (const chunk of this.#held) this.#delivery.write(chunk);
    this.#held = [];
    if (this.#ended) this.#end();
    else this.#resume();
  }

  /** Drops a held answer; small remainders are read so that the connection can be used again. */
  discard(): void {
    if (this.#state !== 'held') return;
    this.#held = [];
    this.#bytes = 0;
    if (this.#ended || this.#failure !== undefined) this.#over();
    else {
      this.#state = 'discarding';
      this.#resume();
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#state === 'over') controller.abort(callerLeft);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _fields: unknown,
    reason?: string,
  ): void {
    this.#moved = true;
    if (status < 200 || this.#state !== 'waiting') return;
    this.#status = status;
    this.#reason = reason ?? '';
    this.#raw = rawFields(controller.rawHeaders);
    if (status > 599 || status === 407) {
      throw new CupbearerError(
        'upstream-protocol',
        `route ${this.#route.prefix}: the upstream answered status ${status}`,
      );
    }
    if (this.#events.onHead(this, status, this.#raw) === 'hold') this.#state = 'held';
    else this.#begin();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#moved = true;
    if (this.#state === 'passing') {
      if (this.#delivery.endWith(chunk)) this.#over();
      else if (!this.#delivery.write(chunk)) this.#waitForDrain(controller);
    } else if (this.#state === 'held') {
      this.#held.push(chunk);
      if (this.#bytes >= heldBytes) {
        this.#pause(controller);
        this.#onHeld?.();
      }
    } else if (this.#bytes > discardBytes) controller.abort(callerLeft);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#ended = true;
    this.#rawTrailers = rawFields(controller.rawTrailers);
    if (this.#state === 'passing') this.#end();
    else if (this.#state === 'discarding') this.#over();
    this.#onHeld?.();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: unknown): void {
    this.#failure = error ?? new Error('aborted');
    const state = this.#state;
    if (state === 'held') {
      this.#onHeld?.();
      return;
    }
    this.#over();
    if (state === 'passing') this.#delivery.breakOff();
    else if (state === 'waiting') this.#events.onFailure(error);
  }

  /** The upstream took too long. */
  #expire(): void {
    const { prefix, upstream } = this.#route;
    const error = upstreamTimeout(prefix, upstream.origin);
    this.onResponseError(undefined, error);
    this.#controller?.abort(error);
  }

  #begin(): void {
    this.#delivery.begin(this.#status, this.#reason, this.#raw);
    this.#state = 'passing';
  }

  #end(): void {
    this.#over();
    this.#delivery.end(this.#rawTrailers);
  }

  #waitForDrain(controller: Dispatcher.DispatchController): void {
    this.#pause(controller);
    this.#drain ??= () => this.#resume();
    this.#delivery.onDrain(this.#drain);
  }

  #pause(controller: Dispatcher.DispatchController): void {
    this.#paused = true;
    controller.pause();
  }

  #resume(): void {
    this.#paused = false;
    this.#moved = true;
    this.#controller?.resume();
  }

  #over(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#watch.leave(this.#place);
  }
}

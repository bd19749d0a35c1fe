import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Route } from '../config/config.ts';
import { CupbearerError } from '../errors.ts';
import type { AttemptEvents } from './attempt-events.ts';
import { Delivery } from './delivery.ts';
import type { ExchangeTools } from './exchange-tools.ts';
import { HeldBody } from './held-body.ts';
import { rawFields } from './raw-fields.ts';
import type { OnConnection, UpstreamConnection } from './upstream-connection.ts';
import { upstreamTimeout } from './upstream-error.ts';
import type { Watch, Watched } from './watch.ts';

const discardBytes = 128 * 1024;
const callerLeft = new CupbearerError('malformed-request', 'the caller went away');

type State = 'waiting' | 'held' | 'passing' | 'discarding' | 'over';

/**
 * One attempt at the upstream: undici's dispatch handler on one side, the caller's response on the other.
 * Streams with back-pressure; a truncated upstream body becomes an aborted response (RFC 9112 §8), never a clean end.
 */
export class Attempt implements Dispatcher.DispatchHandler, OnConnection, Watched {
  connection: UpstreamConnection | undefined = undefined;
  readonly #delivery: Delivery;
  readonly #route: Route;
  readonly #events: AttemptEvents;
  #controller: Dispatcher.DispatchController | undefined;
  #state: State = 'waiting';
  #status = 0;
  #reason = '';
  #raw: readonly string[] = [];
  #held: HeldBody | undefined;
  /** Bytes of the body that went on to the caller. */
  #received = 0;
  /** Bytes read only to be dropped. */
  #discarded = 0;
  #ended = false;
  #failure: unknown;
  #rawTrailers: readonly string[] = [];
  #drain: (() => void) | undefined;
  readonly #watch: Watch;
  readonly #passed: ExchangeTools['passed'];
  readonly #place: number;
  /** Whether something moved on since the last look, and when one was last seen that it had, ms. */
  #moved = true;
  #movedAt = 0;
  #paused = false;

  constructor(
    outgoing: ServerResponse,
    route: Route,
    events: AttemptEvents,
    { watch, passed }: Pick<ExchangeTools, 'watch' | 'passed'>,
  ) {
    this.#delivery = new Delivery(outgoing, route);
    this.#route = route;
    this.#events = events;
    this.#watch = watch;
    this.#passed = passed;
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
      this.#held?.look();
      if (still > this.#route.timeout.idle) this.#expire();
    } else if (this.#state === 'discarding') {
      // What has not ended by now is not worth a connection.
      this.#controller?.abort(callerLeft);
    } else if (still > this.#route.timeout.idle) this.#expire();
    else if (this.#state === 'passing') this.#delivery.flushHead();
  }

  /** Whether it was sent on a connection that broke, had served another request before, and gave not a byte of an answer. */
  isStale = false;

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
    this.#held ??= new HeldBody();
    return this.#held.judged();
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
    if (this.#status !== 205) for (const chunk of this.#held?.take() ?? []) this.#delivery.write(chunk);
    if (this.#ended) this.#end();
    else this.#resume();
  }

  /** Drops a held answer; small remainders are read so that the connection can be used again. */
  discard(): void {
    if (this.#state !== 'held') return;
    this.#held = undefined;
    if (this.#ended || this.#failure !== undefined) this.#over();
    else {
      this.#state = 'discarding';
      this.#resume();
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.connection?.begin();
    if (this.#state === 'over') controller.abort(callerLeft);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _fields: unknown,
    reason?: string,
  ): void {
    // Interim answers are dropped, and give the final one no more time.
    if (status < 200 || this.#state !== 'waiting') return;
    this.#moved = true;
    this.#status = status;
    this.#reason = reason ?? '';
    this.#raw = rawFields(controller.rawHeaders);
    if (status > 599 || status === 407) {
      throw new CupbearerError(
        'upstream-protocol',
        `route ${this.#route.prefix}: the upstream answered status ${status}`,
      );
    }
    if (this.#events.onHead(status, this.#raw) === 'hold') {
      this.#held ??= new HeldBody();
      this.#state = 'held';
    } else this.#begin();
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _fields: unknown,
    socket: Duplex,
  ): void {
    if (this.#state !== 'waiting') {
      socket.destroy();
      return;
    }
    // What this throws comes back to onResponseError.
    this.#events.onSwitch(rawFields(controller.rawHeaders), socket as Socket);
    this.#ended = true;
    this.#over();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#moved = true;
    if (this.#state === 'passing') {
      if (this.#delivery.endWith(chunk)) this.#over();
      else if (!this.#delivery.write(chunk)) this.#waitForDrain(controller);
      this.#received += chunk.length;
      this.#passed(chunk.length, this.#received);
    } else if (this.#state === 'held') {
      if (this.#held?.add(chunk) === false) this.#pause(controller);
    } else {
      this.#discarded += chunk.length;
      if (this.#discarded > discardBytes) controller.abort(callerLeft);
    }
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#ended = true;
    this.#rawTrailers = rawFields(controller.rawTrailers);
    if (this.#state === 'passing') this.#end();
    else if (this.#state === 'discarding') this.#over();
    this.#held?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: unknown): void {
    this.#failure = error ?? new Error('aborted');
    const { code } = this.#failure as { code?: unknown };
    const state = this.#state;
    // Asked now: the connection may serve another request later.
    this.isStale =
      state === 'waiting' &&
      code === 'UND_ERR_SOCKET' &&
      this.#controller !== undefined &&
      this.connection?.isStale === true;
    if (state === 'held') this.#held?.end();
    else this.#over();
    if (state === 'passing') this.#delivery.breakOff();
    else if (state === 'waiting') this.#events.onFailure(error);
  }

  /** The upstream took too long. */
  #expire(): void {
    const error = upstreamTimeout(this.#route.prefix, this.#route.upstream.origin);
    this.onResponseError(undefined, error);
    this.#controller?.abort(error);
  }

  #begin(): void {
    this.#delivery.begin(this.#status, this.#reason, this.#raw);
    this.#state = 'passing';
    if (this.#status !== 205) return;
    // RFC 9110 §15.3.6: what may follow is no part of the answer.
    this.#delivery.end([]);
    this.#state = 'discarding';
  }

  #end(): void {
    this.#over();
    if (this.#status !== 205) this.#delivery.end(this.#rawTrailers);
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

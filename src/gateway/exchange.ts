import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { CupbearerError } from '../errors.ts';
import type { Token } from '../token/token.ts';
import type { Accepted } from './accept.ts';
import type { AttemptEvents } from './attempt-events.ts';
import { hasBody, type RequestBody, readBody } from './body.ts';
import { endUpload, writeProblem } from './ending.ts';
import type { ExchangeTools } from './exchange-tools.ts';
import { Attempt } from './forward.ts';
import type { GatewayRoute } from './gateway-route.ts';
import { answerProblem, type Exchange } from './record.ts';
import { isRefusal } from './refusal.ts';
import { mayResend } from './resend.ts';
import { breakOff } from './reset.ts';
import { type Handshake, switchingHead } from './upgrade.ts';
import { type Upload, watchUpload } from './upload.ts';
import { upstreamError } from './upstream-error.ts';
import { upstreamRequest } from './upstream-request.ts';

/** Proxies one exchange: token → fields → forward → (refused: renew, once more) → answer. */
export class ProxiedExchange implements AttemptEvents {
  readonly #record: Exchange;
  readonly #accepted: Accepted;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #tools: ExchangeTools;
  readonly #handshake: Handshake | undefined;
  #body: RequestBody | undefined;
  #upload: Upload | undefined;
  #token: Token | undefined;
  #attempt: Attempt | undefined;
  #sentAt = 0;
  #isOver = false;

  constructor(
    record: Exchange,
    accepted: Accepted,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    tools: ExchangeTools,
    handshake?: Handshake,
  ) {
    this.#record = record;
    this.#accepted = accepted;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#tools = tools;
    this.#handshake = handshake;
  }

  /** Starts the exchange; it answers the caller by itself, whatever happens. */
  run(): void {
    const { head, route, source } = this.#accepted;
    this.#outgoing.on('close', () => this.#over());
    try {
      const { replay_limit, max_body } = route.config;
      if (hasBody(head))
        this.#upload = watchUpload(this.#incoming, head, max_body, this.#tools, (e) => this.#fail(e));
      const token = source.acquire();
      const body = readBody(this.#incoming, head, replay_limit, this.#tools.budget, {
        max: max_body,
        passed: this.#tools.passed,
      });
      this.#record.token = token instanceof Promise ? 'waited' : 'ready';
      if (token instanceof Promise) this.#waits();
      if (token instanceof Promise || body instanceof Promise) void this.#wait(token, body);
      else this.#send(token, body);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #wait(token: Token | Promise<Token>, body: RequestBody | Promise<RequestBody>): Promise<void> {
    const read = async () => {
      const whole = await body;
      if (this.#isOver) whole.release();
      else this.#body = whole;
      return whole;
    };
    try {
      const [first, gotBody] = await Promise.all([token, read()]);
      // It may have grown old while the body came.
      const gotToken = body instanceof Promise ? await this.#accepted.source.acquire() : first;
      if (!this.#isOver && !this.#outgoing.headersSent) this.#send(gotToken, gotBody);
    } catch (error) {
      this.#fail(error);
    }
  }

  #send(token: Token, body: RequestBody): void {
    this.#body = body;
    this.#record.attempts++;
    this.#dispatch(token, body.first);
  }

  #dispatch(token: Token, body: RequestBody['first'], send?: GatewayRoute['sendAlone']): void {
    const { route } = this.#accepted;
    const { via, now, watch, passed } = this.#tools;
    const record = this.#record;
    this.#token = token;
    this.#sentAt = now();
    const spanId = record.sent?.begin(this.#sentAt, route.config.upstream.origin) ?? record.spanId;
    const attempt = new Attempt(this.#outgoing, route.config, this, { watch, passed });
    this.#attempt = attempt;
    const request = upstreamRequest(this.#accepted, record, token, body, via, spanId);
    if (send !== undefined) send(request, attempt);
    else if (this.#handshake === undefined) route.pool.dispatch(request, attempt);
    else (route.tunnelPool ?? route.pool).dispatch({ ...request, upgrade: 'websocket' }, attempt);
  }

  onHead(status: number, raw: readonly string[]): 'pass' | 'hold' {
    const { route, source } = this.#accepted;
    const token = this.#token as Token;
    this.#closeWhenDraining();
    this.#answered(status);
    if (!route.refused.status.has(status) || !isRefusal(raw)) {
      this.#tokenTaken();
      return 'pass';
    }
    if (route.refused.body === undefined && !this.#mayRetry()) {
      void source.rejected(token, route.config.upstream.origin);
      return 'pass';
    }
    this.#recover(token, route.refused.body).catch((error: unknown) => this.#fail(error));
    return 'hold';
  }

  onSwitch(raw: readonly string[], upstream: Socket): void {
    const { route } = this.#accepted;
    const handshake = this.#handshake as Handshake;
    const head = switchingHead(raw, handshake.key, route);
    this.#answered(101);
    this.#tokenTaken();
    this.#outgoing.detachSocket(handshake.socket);
    handshake.finish(head);
    this.#tools.switched();
    this.#tools.tunnels.open({
      ...this.#tools,
      caller: handshake.socket,
      upstream,
      idleMs: route.config.timeout.idle,
      onEnd: (end) => {
        this.#record.tunnel = end;
        this.#tools.onEnd(this.#record);
      },
    });
  }

  onFailure(error: unknown): void {
    const { route } = this.#accepted;
    const failure = upstreamError(error, route.prefix, route.config.upstream.origin);
    this.#record.sent?.failed(failure.code, this.#tools.now());
    if (this.#handshake !== undefined || !mayResend(this.#record, this.#attempt, this.#body)) {
      this.#fail(failure);
      return;
    }
    this.#record.resent = true;
    this.#resend(failure).catch((failed: unknown) => this.#fail(failed));
  }

  /** Sends the same once more after a stale connection broke. */
  async #resend(failure: CupbearerError): Promise<void> {
    const body = await this.#body?.replay();
    const token = await this.#accepted.source.acquire();
    if (this.#outgoing.destroyed || this.#outgoing.headersSent) return;
    if (body === undefined) this.#fail(failure);
    else this.#dispatch(token, body, this.#accepted.route.sendAlone);
  }

  uploading(): boolean {
    return this.#body?.uploading() === true;
  }

  #waits(): void {
    this.#tools.waiting?.(this.#record, this.#accepted.tenant);
  }

  #answered(status: number): void {
    const now = this.#tools.now();
    this.#record.upstreamMs = now - this.#sentAt;
    this.#record.status = status;
    this.#record.sent?.answered(status, now);
  }

  #tokenTaken(): void {
    const { route, source } = this.#accepted;
    if (this.#record.attempts > 1) this.#record.retry = 'recovered';
    // Nothing will be sent again.
    this.#body?.release();
    source.accepted(this.#token as Token, route.config.upstream.origin);
  }

  #closeWhenDraining(): void {
    if (this.#tools.draining()) this.#outgoing.shouldKeepAlive = false;
  }

  #mayRetry(): boolean {
    if (this.#record.attempts > 1) this.#record.retry = 'refused-again';
    else if (!this.#body?.replayable) this.#record.retry = 'not-replayable';
    else return true;
    return false;
  }

  /** Recovers once from a refused token: a newer token and the same request again, or the upstream's own answer. */
  async #recover(token: Token, pattern: RegExp | undefined): Promise<void> {
    const attempt = this.#attempt as Attempt;
    const { source, route } = this.#accepted;
    const { origin } = route.config.upstream;
    if (pattern !== undefined) {
      const body = await attempt.heldBody();
      if (!pattern.test(body.toString('latin1'))) {
        source.accepted(token, origin);
        return attempt.pass();
      }
      if (!this.#mayRetry()) {
        void source.rejected(token, origin);
        return attempt.pass();
      }
    }
    this.#waits();
    const renewed = await source.rejected(token, origin);
    const isWhole = this.#incoming.complete;
    const body = renewed && (await this.#body?.replay());
    // It may have grown old while the rest of the body came.
    const next = body === undefined || isWhole ? renewed : await source.acquire();
    if (this.#outgoing.destroyed || this.#outgoing.headersSent) return;
    if (next === undefined || body === undefined) {
      this.#record.retry = renewed === undefined ? 'no-new-token' : 'not-replayable';
      return attempt.pass();
    }
    attempt.discard();
    this.#record.attempts++;
    this.#dispatch(next, body);
  }

  #fail(error: unknown): void {
    const outgoing = this.#outgoing;
    this.#attempt?.abort();
    if (outgoing.destroyed) return;
    if (outgoing.headersSent) breakOff(outgoing);
    else {
      this.#closeWhenDraining();
      writeProblem(answerProblem(this.#record, error), this.#incoming, outgoing);
    }
  }

  #over(): void {
    const outgoing = this.#outgoing;
    const incoming = this.#incoming;
    this.#isOver = true;
    if (!incoming.complete && outgoing.writableFinished) endUpload(incoming);
    if (!outgoing.writableFinished) {
      this.#record.aborted = this.#attempt?.failed ? 'upstream' : 'caller';
      this.#attempt?.abort();
      incoming.destroy();
    }
    this.#body?.release();
    this.#upload?.leave();
    this.#tools.onEnd(this.#record);
  }
}

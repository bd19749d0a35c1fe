import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Route } from '../config/config.ts';
import type { Token, TokenSource } from '../token/token.ts';
import { type RequestBody, readBody } from './body.ts';
import { type FieldPolicy, requestFields } from './fields.ts';
import { Attempt, type AttemptEvents } from './forward.ts';
import type { RequestHead } from './guard.ts';
import { answerProblem, type Exchange } from './record.ts';
import { isRefusal } from './refusal.ts';
import type { ReplayBudget } from './replay-budget.ts';
import { upstreamError } from './upstream-error.ts';
import type { Watch } from './watch.ts';

/** A route as the data path uses it: everything worked out before the first request. */
export interface GatewayRoute {
  readonly prefix: string;
  readonly config: Route;
  readonly policy: FieldPolicy;
  readonly pool: Dispatcher;
  /** Lower-case field that names the tenant; undefined when the credential has none. */
  readonly tenantField: string | undefined;
  /** The credential's tokens, for one tenant when it has tenants. */
  readonly source: (tenant: string | undefined) => TokenSource;
  readonly refused: { readonly status: ReadonlySet<number>; readonly body: RegExp | undefined };
}

export interface ExchangeParts {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly head: RequestHead;
  readonly route: GatewayRoute;
  readonly source: TokenSource;
  /** Path and query for the upstream. */
  readonly path: string;
  readonly budget: ReplayBudget;
  readonly via: string;
  readonly watch: Watch;
  readonly draining: () => boolean;
  readonly now: () => number;
  /** Called once, when the exchange is over. */
  readonly onEnd: (exchange: Exchange) => void;
}

/** Proxies one exchange: token → fields → forward → (refused: renew, once more) → answer. */
export class ProxiedExchange implements AttemptEvents {
  readonly #record: Exchange;
  readonly #parts: ExchangeParts;
  #body: RequestBody | undefined;
  #token: Token | undefined;
  #attempt: Attempt | undefined;
  #sentAt = 0;
  #isOver = false;

  constructor(record: Exchange, parts: ExchangeParts) {
    this.#record = record;
    this.#parts = parts;
  }

  /** Starts the exchange; it answers the caller by itself, whatever happens. */
  run(): void {
    const { incoming, outgoing, head, route, source, budget } = this.#parts;
    outgoing.on('close', () => this.#over());
    try {
      const token = source.acquire();
      const body = readBody(incoming, head, route.config.replay_limit, budget);
      this.#record.token = token instanceof Promise ? 'waited' : 'ready';
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
      const [gotToken, gotBody] = await Promise.all([token, read()]);
      if (!this.#isOver) this.#send(gotToken, gotBody);
    } catch (error) {
      this.#fail(error);
    }
  }

  #send(token: Token, body: RequestBody): void {
    this.#body = body;
    this.#dispatch(token, body.first, body.first instanceof Buffer ? false : body.first !== null);
  }

  #dispatch(token: Token, body: Dispatcher.DispatchOptions['body'], announced: boolean): void {
    const { outgoing, head, route, path, via, now, watch } = this.#parts;
    this.#token = token;
    this.#record.attempts++;
    this.#sentAt = now();
    this.#attempt = new Attempt(outgoing, route.config, this, watch);
    route.pool.dispatch(
      {
        path,
        method: this.#record.method as Dispatcher.HttpMethod,
        headers: requestFields(head, route.policy, token.fields, via, announced),
        body: body ?? null,
        // The watch keeps both limits, for less than undici's timers cost.
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      this.#attempt,
    );
  }

  onHead(attempt: Attempt, status: number, raw: readonly Buffer[]): 'pass' | 'hold' {
    const { route, source, now } = this.#parts;
    const token = this.#token as Token;
    this.#closeWhenDraining();
    this.#record.upstreamMs = now() - this.#sentAt;
    this.#record.status = status;
    if (!route.refused.status.has(status) || !isRefusal(raw)) {
      if (this.#record.attempts > 1) this.#record.retry = 'recovered';
      source.accepted(token, route.config.upstream.origin);
      return 'pass';
    }
    if (route.refused.body === undefined && !this.#mayRetry()) {
      void source.rejected(token, route.config.upstream.origin);
      return 'pass';
    }
    this.#recover(attempt, token, route.refused.body).catch((error: unknown) => this.#fail(error));
    return 'hold';
  }

  onFailure(error: unknown): void {
    const { route } = this.#parts;
    this.#fail(upstreamError(error, route.prefix, route.config.upstream.origin));
  }

  uploading(): boolean {
    return this.#body?.uploading() === true;
  }

  #closeWhenDraining(): void {
    if (this.#parts.draining()) this.#parts.outgoing.shouldKeepAlive = false;
  }

  #mayRetry(): boolean {
    if (this.#record.attempts > 1) this.#record.retry = 'refused-again';
    else if (!this.#body?.replayable) this.#record.retry = 'not-replayable';
    else return true;
    return false;
  }

  /** Recovers once from a refused token: a newer token and the same request again, or the upstream's own answer. */
  async #recover(attempt: Attempt, token: Token, pattern: RegExp | undefined): Promise<void> {
    const { source, route, outgoing } = this.#parts;
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
    const next = await source.rejected(token, origin);
    const body = next === undefined ? undefined : await this.#body?.replay();
    if (outgoing.destroyed) return;
    if (next === undefined || body === undefined) {
      this.#record.retry = next === undefined ? 'no-new-token' : 'not-replayable';
      return attempt.pass();
    }
    attempt.discard();
    this.#dispatch(next, body, false);
  }

  #fail(error: unknown): void {
    const { outgoing } = this.#parts;
    this.#attempt?.abort();
    if (outgoing.destroyed) return;
    if (outgoing.headersSent) {
      outgoing.destroy();
      return;
    }
    const answer = answerProblem(this.#record, error);
    this.#closeWhenDraining();
    // The reason phrase of an upstream's head that Node refused would stay otherwise.
    outgoing.writeHead(answer.status, STATUS_CODES[answer.status] ?? '', answer.headers);
    outgoing.end(this.#record.method === 'HEAD' ? undefined : answer.body);
  }

  #over(): void {
    const { outgoing, incoming, onEnd } = this.#parts;
    this.#isOver = true;
    if (!incoming.complete && outgoing.writableFinished) endUpload(incoming);
    if (!outgoing.writableFinished) {
      this.#record.aborted = this.#attempt?.failed ? 'upstream' : 'caller';
      this.#attempt?.abort();
      incoming.destroy();
    }
    this.#body?.release();
    onEnd(this.#record);
  }
}

const uploadGraceMs = 500;

/** After an early answer: the rest of the upload is read for a moment, then its connection ends. */
function endUpload(incoming: IncomingMessage): void {
  incoming.resume();
  setTimeout(() => {
    if (!incoming.complete) incoming.socket.destroySoon();
  }, uploadGraceMs).unref();
}

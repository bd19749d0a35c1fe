import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { CupbearerError } from '../errors.ts';
import { bodyTooLarge, brokenOff } from './body-faults.ts';
import type { ExchangeTools } from './exchange-tools.ts';
import { KeptBytes } from './kept-bytes.ts';
import type { ReplayBudget } from './replay-budget.ts';

export interface StreamOptions {
  /** Bytes beyond which the body breaks off. */
  readonly max?: number | undefined;
  /** Is told the size of each piece and of what has come by then, bytes. */
  readonly passed?: ExchangeTools['passed'] | undefined;
}

/**
 * Streams a request body with back-pressure and keeps a copy up to `limit` bytes. It stands between the caller's
 * request and undici, which destroys the stream it is given as soon as the upstream answers early. A body that grows
 * beyond `max` bytes breaks off with `body-too-large`. `begun` is what has been read already.
 */
export class StreamedBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #limit: number;
  readonly #budget: ReplayBudget;
  readonly #whole: Promise<Buffer | undefined>;
  #kept: KeptBytes | undefined;
  #held = 0;
  readonly #max: number;
  #received = 0;
  #fault: CupbearerError | undefined;
  #replaying = false;
  #blocked = false;
  #moved = true;
  #settle: (whole: Buffer | undefined) => void = () => {};

  constructor(
    request: IncomingMessage,
    limit: number,
    budget: ReplayBudget,
    { max = Infinity, passed, begun = [] }: StreamOptions & { readonly begun?: readonly Buffer[] } = {},
  ) {
    super();
    this.#max = max;
    this.#request = request;
    this.#limit = limit;
    this.#budget = budget;
    this.#kept = limit > 0 ? new KeptBytes() : undefined;
    this.#whole = new Promise((resolve) => {
      this.#settle = resolve;
    });
    // undici may destroy this stream with an error after it stopped listening; that is no error of ours.
    this.on('error', () => {});
    request.pause();
    for (const chunk of begun) this.push(chunk);
    request.on('data', (chunk: Buffer) => {
      this.#take(chunk);
      passed?.(chunk.length, this.#received);
    });
    request.once('end', () => {
      if (!this.destroyed) this.push(null);
      this.#settle(this.#kept?.whole());
    });
    const broken = () => {
      if (!request.readableEnded) this.destroy(brokenOff());
      this.#settle(undefined);
    };
    request.once('error', broken);
    request.once('close', broken);
  }

  get first(): Readable {
    return this;
  }

  get replayable(): boolean {
    return this.#kept !== undefined;
  }

  /** Rejects with `body-too-large` when it grows beyond its bound while it is waited for. */
  async replay(): Promise<Buffer | undefined> {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#kept === undefined) return undefined;
    this.#replaying = true;
    this.#request.resume();
    const whole = await this.#whole;
    if (this.#fault !== undefined) throw this.#fault;
    return whole;
  }

  uploading(): boolean {
    const moved = this.#moved || !this.#blocked;
    this.#moved = false;
    return moved && !this.#request.readableEnded;
  }

  release(): void {
    this.#kept = undefined;
    this.#budget.give(this.#held);
    this.#held = 0;
    this.#settle(undefined);
  }

  override _read(): void {
    this.#blocked = false;
    this.#request.resume();
  }

  /** When nobody reads it any more, the rest is read to be kept or to free the caller's connection. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.resume();
    callback(error);
  }

  #take(chunk: Buffer): void {
    this.#moved = true;
    this.#received += chunk.length;
    if (this.#received > this.#max) {
      this.#fault ??= bodyTooLarge(this.#max);
      this.release();
      this.destroy(this.#fault);
      return;
    }
    this.#keep(chunk);
    if (this.destroyed || this.push(chunk)) return;
    this.#blocked = true;
    if (!this.#replaying || this.#kept === undefined) this.#request.pause();
  }

  #keep(chunk: Buffer): void {
    if (this.#kept === undefined) return;
    if (this.#held + chunk.length > this.#limit || !this.#budget.take(chunk.length)) {
      this.release();
      return;
    }
    this.#held += chunk.length;
    this.#kept.add(chunk);
  }
}

import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { CupbearerError } from '../errors.ts';
import type { ReplayBudget } from './replay-budget.ts';

/**
 * Streams a request body with back-pressure and keeps a copy up to `limit` bytes. It stands between the caller's
 * request and undici, which destroys the stream it is given as soon as the upstream answers early. `begun` is what has
 * been read already.
 */
export class StreamedBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #limit: number;
  readonly #budget: ReplayBudget;
  readonly #whole: Promise<Buffer | undefined>;
  #kept: Buffer[] | undefined;
  #held = 0;
  #replaying = false;
  #blocked = false;
  #moved = true;
  #settle: (whole: Buffer | undefined) => void = () => {};

  constructor(request: IncomingMessage, limit: number, budget: ReplayBudget, begun: readonly Buffer[] = []) {
    super();
    this.#request = request;
    this.#limit = limit;
    this.#budget = budget;
    this.#kept = limit > 0 ? [] : undefined;
    this.#whole = new Promise((resolve) => {
      this.#settle = resolve;
    });
    // undici may destroy this stream with an error after it stopped listening; that is no error of ours.
    this.on('error', () => {});
    request.pause();
    for (const chunk of begun) this.push(chunk);
    request.on('data', (chunk: Buffer) => this.#take(chunk));
    request.once('end', () => {
      if (!this.destroyed) this.push(null);
      this.#settle(this.#kept && Buffer.concat(this.#kept));
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

  async replay(): Promise<Buffer | undefined> {
    if (this.#kept === undefined) return undefined;
    this.#replaying = true;
    this.#request.resume();
    return this.#whole;
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
    this.#kept.push(chunk);
  }
}

/** The caller did not send all it announced. */
export function brokenOff(): CupbearerError {
  return new CupbearerError('malformed-request', 'the request body ended before it was complete');
}

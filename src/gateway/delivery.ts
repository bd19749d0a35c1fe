import type { ServerResponse } from 'node:http';
import type { Route } from '../config/config.ts';
import { breakOff } from './reset.ts';
import { responseFields, trailerFields } from './response-fields.ts';

// RFC 9112 §4; an odd one is left out, its meaning is in the status.
const reasonPhrase = /^[\t\x20-\x7e\x80-\xff]+$/;
const noBytes = Buffer.alloc(0);
const oneWriteBytes = 16 * 1024;

/** The caller's side of an answer: head, body and trailers as the upstream sends them, streamed. */
export class Delivery {
  readonly #outgoing: ServerResponse;
  readonly #route: Route;
  #mayTrail = false;
  /** Bytes of an announced body that are still to come. */
  #left: number | undefined;
  #written = false;

  constructor(outgoing: ServerResponse, route: Route) {
    this.#outgoing = outgoing;
    this.#route = route;
  }

  /** Writes the head. Throws what Node throws for a head it will not send; nothing has been sent then. */
  begin(status: number, reason: string, raw: readonly string[]): void {
    const { method, httpVersionMinor } = this.#outgoing.req;
    const mayTrail = httpVersionMinor > 0 && method !== 'HEAD' && status !== 204 && status !== 304;
    const { fields, length } = responseFields(raw, status, this.#route, mayTrail);
    this.#mayTrail = mayTrail && length === undefined;
    this.#left = length;
    this.#outgoing.writeHead(status, reasonPhrase.test(reason) ? reason : '', fields);
    // A small body is sent with its head; when it does not come soon, the watch asks for the head alone.
    if (length === undefined || length > oneWriteBytes) queueMicrotask(() => this.flushHead());
  }

  /**
   * Sends a head whose body has not come with it: server-sent events and slow bodies. An empty write, since
   * flushHeaders() writes field bytes beyond ASCII as UTF-8.
   */
  flushHead(): void {
    if (this.#written || this.#outgoing.writableEnded) return;
    this.#written = true;
    this.#outgoing.write(noBytes);
  }

  /** Writes a piece of the body; false when the caller has to read before more is written. */
  write(chunk: Buffer): boolean {
    this.#written = true;
    return this.#outgoing.write(chunk);
  }

  /** Whether the chunk is the last of a body of announced length and was sent, in one write with the end. */
  endWith(chunk: Buffer): boolean {
    if (this.#left === undefined) return false;
    this.#left -= chunk.length;
    if (this.#left !== 0) return false;
    // As text, Node writes a small body with its head at once.
    if (!this.#written && chunk.length <= oneWriteBytes)
      this.#outgoing.end(chunk.toString('latin1'), 'latin1');
    else this.#outgoing.end(chunk);
    this.#written = true;
    return true;
  }

  end(rawTrailers: readonly string[]): void {
    if (this.#mayTrail && rawTrailers.length > 0) this.#outgoing.addTrailers(trailerFields(rawTrailers));
    this.#outgoing.end();
  }

  breakOff(): void {
    breakOff(this.#outgoing);
  }

  onDrain(resume: () => void): void {
    this.#outgoing.once('drain', resume);
  }
}

import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { Client } from '../undici.ts';

/** What is known of the connection that a request is sent on; it serves one request after the other. */
export class UpstreamConnection {
  #socket: Socket | undefined;
  #requests = 0;
  #readBefore = 0;

  /** A new socket takes the place of the one before. */
  opened(socket: Socket): void {
    this.#socket = socket;
    this.#requests = 0;
  }

  /** A request's head is about to be written. */
  begin(): void {
    this.#requests++;
    this.#readBefore = this.#socket?.bytesRead ?? 0;
  }

  /** Whether it had served a request before the last one began, and not one byte has come since. */
  get isStale(): boolean {
    return this.#requests > 1 && this.#socket?.bytesRead === this.#readBefore;
  }
}

/** A request's handler that wants to know its connection; set when a client takes the request. */
export interface OnConnection {
  connection: UpstreamConnection | undefined;
}

/** undici's client for one HTTP/1.1 connection at a time, which tells every handler what it is sent on. */
export class TrackedClient extends Client {
  readonly #connection: UpstreamConnection;

  constructor(origin: URL | string, options: Client.Options & { connect: buildConnector.connector }) {
    const connection = new UpstreamConnection();
    const connect: buildConnector.connector = (where, callback) => {
      options.connect(where, (...result) => {
        const [failure, socket] = result;
        if (failure === null) connection.opened(socket);
        callback(...result);
      });
    };
    super(origin, { ...options, connect });
    this.#connection = connection;
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler & Partial<OnConnection>,
  ): boolean {
    handler.connection = this.#connection;
    return super.dispatch(options, handler);
  }
}

import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CupbearerError } from '../errors.ts';
import { type AcceptOptions, accept } from './accept.ts';
import { endUpload, writeProblem } from './ending.ts';
import { ProxiedExchange } from './exchange.ts';
import type { ExchangeTools } from './exchange-tools.ts';
import type { Gate } from './gate.ts';
import { notForwardable } from './method.ts';
import { acceptOptions, answerOptions } from './options.ts';
import { answerProblem, type Exchange, exchangeFactory } from './record.ts';
import { createTurns, owedOn } from './turns.ts';
import { createUnreadable } from './unreadable.ts';
import { mayUpgrade, readHandshake } from './upgrade.ts';

export interface EdgeOptions extends AcceptOptions, ExchangeTools {
  /** Exchanges in progress. */
  readonly gate: Gate;
  /** Tunnels, and exchanges that may become one. */
  readonly tunnelGate: Gate;
}

/** The data path, as a listener hands it what callers send. */
export interface Edge {
  request(incoming: IncomingMessage, outgoing: ServerResponse): void;
  /** Whether the Upgrade of a request is followed; any other is read as a plain request (RFC 9110 §7.8). */
  mayUpgrade(incoming: IncomingMessage): boolean;
  /** A request whose Upgrade is followed; `head` is what came after it. */
  upgrade(incoming: IncomingMessage, socket: Socket, head: Buffer): void;
  /** A CONNECT, which is refused; its connection ends. */
  connect(socket: Socket): void;
  /** What could not be read as a request, `clientError` of Node's HTTP server: it is answered, and its connection ends. */
  unreadable(error: Error, socket: Socket): void;
  /** Ends every tunnel at once. */
  cut(): void;
}

/**
 * The way in. A request that may be proxied is handed to a ProxiedExchange; what is refused is answered here. Both work on
 * Node's streams.
 */
export function createEdge(options: EdgeOptions): Edge {
  const newExchange = exchangeFactory(options.now);
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse, error: unknown, record: Exchange) => {
    const problem = answerProblem(record, error);
    options.onEnd(record);
    // Once all that has come is parsed: behind a body that is broken the connection ends, which the answer's head says.
    queueMicrotask(() => {
      if (outgoing.destroyed) return;
      if (!incoming.complete) outgoing.once('finish', () => endUpload(incoming));
      writeProblem(problem, incoming, outgoing);
    });
  };
  const { gate, tunnelGate } = options;
  const tools = (entered: Gate) => ({
    ...options,
    onEnd(exchange: Exchange) {
      entered.leave();
      options.onEnd(exchange);
    },
  });
  const turns = createTurns();
  const unreadable = createUnreadable(() => newExchange(''), options.onEnd);
  const plainTools = tools(gate);
  const tunnelTools = tools(tunnelGate);
  const begin = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const record = newExchange(incoming.method ?? '');
    let exchange: ProxiedExchange;
    try {
      const accepted = (record.method === 'OPTIONS' ? acceptOptions : accept)(record, incoming, options);
      if (accepted === undefined) {
        answerOptions(record, incoming, outgoing);
        options.onEnd(record);
        return;
      }
      gate.enter();
      exchange = new ProxiedExchange(record, accepted, incoming, outgoing, plainTools);
    } catch (error) {
      answer(incoming, outgoing, error, record);
      return;
    }
    exchange.run();
  };
  const wait = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (turns.wait(incoming, outgoing, () => begin(incoming, outgoing))) return;
    const error = new CupbearerError('overloaded', 'too many requests wait on this connection');
    answer(incoming, outgoing, error, newExchange(incoming.method ?? ''));
  };
  return {
    request(incoming, outgoing) {
      const { socket } = outgoing;
      if (socket === null) wait(incoming, outgoing);
      // An answer has ended the connection; this came too late.
      else if (socket.writableEnded) incoming.resume();
      else begin(incoming, outgoing);
    },
    // Behind another answer it is a plain request: Node would hand over a connection that is still in use.
    mayUpgrade: (incoming) => mayUpgrade(incoming, options.table) && owedOn(incoming.socket) === undefined,
    upgrade(incoming, socket, early) {
      const record = newExchange(incoming.method ?? '');
      const outgoing = answerOn(socket, incoming);
      let exchange: ProxiedExchange;
      try {
        const accepted = accept(record, incoming, options);
        const handshake = readHandshake(accepted.head, socket, early);
        tunnelGate.enter();
        exchange = new ProxiedExchange(record, accepted, incoming, outgoing, tunnelTools, handshake);
      } catch (error) {
        answer(incoming, outgoing, error, record);
        return;
      }
      exchange.run();
    },
    connect(socket) {
      socket.on('error', () => {});
      // Node has let go of the connection: an answer still owed on it might never be sent.
      if (owedOn(socket) !== undefined) socket.destroy();
      else unreadable.refuse(newExchange('CONNECT'), notForwardable('CONNECT'), socket);
    },
    unreadable: unreadable.failed,
    cut: () => options.tunnels.cut(),
  };
}

/** An answer on a connection that Node's HTTP server has let go of; the connection ends with it. */
function answerOn(socket: Socket, incoming: IncomingMessage): ServerResponse {
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(socket);
  outgoing.on('finish', () => socket.destroySoon());
  // Node's server has taken its own listener along.
  socket.on('drain', () => outgoing.socket === socket && outgoing.emit('drain'));
  socket.on('error', () => {});
  return outgoing;
}

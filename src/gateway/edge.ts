import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CupbearerError } from '../errors.ts';
import { type AcceptOptions, accept } from './accept.ts';
import { endUpload, writeProblem } from './ending.ts';
import { Era } from './era.ts';
import { ProxiedExchange } from './exchange.ts';
import type { ExchangeTools } from './exchange-tools.ts';
import type { Gate } from './gate.ts';
import { notForwardable } from './method.ts';
import { acceptOptions, answerOptions } from './options.ts';
import { answerProblem, type Exchange, exchangeFactory, type SampleTrace } from './record.ts';
import { createTurns, owedOn } from './turns.ts';
import { createUnreadable } from './unreadable.ts';
import { mayUpgrade, readHandshake } from './upgrade.ts';

/** What an exchange goes by from its begin to its end. */
export interface EdgeRules
  extends Pick<AcceptOptions, 'table' | 'policy'>,
    Pick<ExchangeTools, 'bodyTimeout'> {}

export interface EdgeOptions extends AcceptOptions, Omit<ExchangeTools, 'switched'> {
  /** Exchanges in progress. */
  readonly gate: Gate;
  /** Tunnels, and exchanges that may become one. */
  readonly tunnelGate: Gate;
  /** Which traces are recorded; none when it is absent. */
  readonly sample?: SampleTrace | undefined;
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
  /**
   * Has exchanges that begin from now on go by other rules. Resolves when none is left that needs the rules before, or
   * those before them; tunnels need none once they are open.
   */
  adopt(rules: EdgeRules): Promise<void>;
  /** Ends every tunnel at once. */
  cut(): void;
}

/**
 * The way in. A request that may be proxied is handed to a ProxiedExchange; what is refused is answered here. Both work on
 * Node's streams.
 */
export function createEdge(options: EdgeOptions): Edge {
  const newExchange = exchangeFactory(options.now, options.sample);
  const recordOf = ({ method = '', rawHeaders }: IncomingMessage) => newExchange(method, rawHeaders);
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
  const beginEra = (rules: EdgeRules) => {
    const era = new Era();
    const accepting = { ...options, ...rules };
    const tools = (entered: Gate): ExchangeTools => ({
      ...accepting,
      switched: () => era.leave(),
      onEnd(exchange) {
        entered.leave();
        if (exchange.tunnel === undefined) era.leave();
        options.onEnd(exchange);
      },
    });
    return { era, accepting, plainTools: tools(gate), tunnelTools: tools(tunnelGate) };
  };
  let now = beginEra(options);
  let before = Promise.resolve();
  const turns = createTurns();
  const unreadable = createUnreadable(() => newExchange(''), options.onEnd);
  const begin = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const record = recordOf(incoming);
    let exchange: ProxiedExchange;
    try {
      const { accepting } = now;
      const accepted = (record.method === 'OPTIONS' ? acceptOptions : accept)(record, incoming, accepting);
      if (accepted === undefined) {
        answerOptions(record, incoming, outgoing);
        options.onEnd(record);
        return;
      }
      gate.enter();
      exchange = new ProxiedExchange(record, accepted, incoming, outgoing, now.plainTools);
      now.era.enter();
    } catch (error) {
      answer(incoming, outgoing, error, record);
      return;
    }
    exchange.run();
  };
  const wait = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (turns.wait(incoming, outgoing, () => begin(incoming, outgoing))) return;
    const error = new CupbearerError('overloaded', 'too many requests wait on this connection');
    answer(incoming, outgoing, error, recordOf(incoming));
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
    mayUpgrade: (incoming) =>
      mayUpgrade(incoming, now.accepting.table) && owedOn(incoming.socket) === undefined,
    upgrade(incoming, socket, early) {
      const record = recordOf(incoming);
      const outgoing = answerOn(socket, incoming);
      let exchange: ProxiedExchange;
      try {
        const accepted = accept(record, incoming, now.accepting);
        const handshake = readHandshake(accepted.head, socket, early);
        tunnelGate.enter();
        exchange = new ProxiedExchange(record, accepted, incoming, outgoing, now.tunnelTools, handshake);
        now.era.enter();
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
    adopt(rules) {
      const { era } = now;
      now = beginEra(rules);
      before = Promise.all([before, era.end()]).then(() => {});
      return before;
    },
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

import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { Answer, VendorRequest } from './message.ts';
import { type Hub, HubConversation } from './signalr-protocol.ts';

export type Transport = 'WebSockets' | 'ServerSentEvents' | 'LongPolling';

/** How long a poll waits for something to send, ms: ASP.NET Core's PollTimeout. */
const pollTimeout = 90_000;
const noStore = { 'Cache-Control': 'no-cache, no-store', Pragma: 'no-cache' };
/** A frame holds what a message may hold, and some. */
const webSockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });

/**
 * One connection of a client, whatever it is carried by: a conversation, and what is to be sent until somebody fetches it
 * (dotnet/aspnetcore, src/SignalR/docs/specs/TransportProtocols.md).
 */
export class Connection {
  transport: Transport | undefined;
  /** How many wait for what is to be sent. */
  takers = 0;
  readonly #conversation: HubConversation;
  readonly #onOver: () => void;
  #waiting = '';
  #over = false;
  #turn = 0;
  #wake: (() => void) | undefined;

  /** `onOver` is called once, when nothing more will be sent. */
  constructor(hub: Hub, onOver: () => void) {
    this.#onOver = onOver;
    this.#conversation = new HubConversation(hub, {
      write: (text) => {
        this.#waiting += text;
        this.#wake?.();
      },
      close: () => this.#close(),
    });
  }

  /** Whether nothing more will be sent. */
  get over(): boolean {
    return this.#over;
  }

  receive(text: string): void {
    this.#conversation.receive(text);
  }

  ping(): void {
    this.#conversation.ping();
  }

  /** The client has left, or is taken to have. */
  leave(): void {
    this.#conversation.gone();
    this.#close();
  }

  /** All there is to send, as soon as there is something; undefined when it is over or another one takes. */
  async take(): Promise<string | undefined> {
    this.stop();
    const turn = this.#turn;
    this.takers++;
    while (turn === this.#turn && this.#waiting === '' && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.takers--;
    if (turn !== this.#turn || this.#waiting === '') return undefined;
    const text = this.#waiting;
    this.#waiting = '';
    return text;
  }

  /** Ends the `take` that waits. */
  stop(): void {
    this.#turn++;
    this.#wake?.();
  }

  #close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#wake?.();
    this.#onOver();
  }
}

/** Carries the connection on a WebSocket: the handshake is answered here. */
export function webSocket(connection: Connection, { incoming, handshake }: VendorRequest): Answer {
  if (handshake === undefined) return { status: 400, text: 'A WebSocket handshake is needed.' };
  webSockets.handleUpgrade(incoming, handshake.socket, handshake.early, (socket) => {
    socket.on('message', (data) => connection.receive(String(data)));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => connection.leave());
    void deliver(connection, socket);
  });
  return { status: 101 };
}

async function deliver(connection: Connection, socket: WebSocket): Promise<void> {
  for (let text = await connection.take(); text !== undefined; text = await connection.take()) {
    if (socket.readyState === WebSocket.OPEN) socket.send(text);
  }
  socket.close(1000);
}

/** Carries what is sent to the client as server-sent events. */
export function serverSentEvents(connection: Connection, { incoming }: VendorRequest): Answer {
  return {
    status: 200,
    headers: { 'Content-Type': 'text/event-stream', ...noStore },
    stream: events(connection, incoming.socket),
  };
}

async function* events(connection: Connection, socket: Socket): AsyncGenerator<string> {
  const leave = () => connection.leave();
  socket.once('close', leave);
  // A comment, so that the client hears that it is connected.
  yield ':\r\n\r\n';
  for (let text = await connection.take(); text !== undefined; text = await connection.take()) {
    yield `data: ${text}\r\n\r\n`;
  }
  socket.off('close', leave);
}

/** One poll. The first one is answered at once and begins the connection; of two at a time the older one ends. */
export async function longPoll(connection: Connection, { incoming }: VendorRequest): Promise<Answer> {
  const first = connection.transport === undefined;
  connection.transport = 'LongPolling';
  if (first) return { status: 200, headers: noStore, text: '' };
  const { socket } = incoming;
  let isLate = false;
  const give = () => connection.stop();
  const timer = setTimeout(() => {
    isLate = true;
    give();
  }, pollTimeout);
  socket.once('close', give);
  const text = await connection.take();
  clearTimeout(timer);
  socket.off('close', give);
  if (text === undefined) return { status: isLate ? 200 : 204, headers: noStore };
  return { status: 200, headers: { ...noStore, 'Content-Type': 'application/octet-stream' }, text };
}

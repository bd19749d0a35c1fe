import { randomBytes, randomUUID } from 'node:crypto';
import type { Answer, VendorRequest } from './message.ts';
import type { Hub } from './signalr-protocol.ts';
import { Connection, longPoll, serverSentEvents, type Transport, webSocket } from './signalr-transports.ts';
import type { Endpoint } from './vendor.ts';

/** How often clients are pinged, and how long one that nobody fetches for is kept, ms: ASP.NET Core's KeepAliveInterval. */
const sweepMs = 15_000;
const connectionLimit = 1000;
const transports = [
  { transport: 'WebSockets', transferFormats: ['Text', 'Binary'] },
  { transport: 'ServerSentEvents', transferFormats: ['Text'] },
  { transport: 'LongPolling', transferFormats: ['Text', 'Binary'] },
];

/**
 * The endpoints of an ASP.NET Core SignalR hub at `path`: negotiation, WebSockets, server-sent events and long polling
 * (dotnet/aspnetcore, src/SignalR/docs/specs/TransportProtocols.md), the JSON protocol alone.
 */
export function hubEndpoints(path: string, hub: Hub): readonly Endpoint[] {
  const hubPath = new RegExp(`^${path}$`);
  const connections = new Connections(hub);
  return [
    {
      method: 'POST',
      path: new RegExp(`^${path}/negotiate$`),
      answer: ({ query }) => negotiate(connections, query.get('negotiateVersion') ?? '0'),
    },
    { method: 'GET', path: hubPath, upgrades: true, answer: (request) => connect(connections, request) },
    { method: 'POST', path: hubPath, answer: (request) => receive(connections, request) },
    { method: 'DELETE', path: hubPath, answer: (request) => terminate(connections, request) },
  ];
}

/** The connections of one hub by the token that stands for them. */
class Connections {
  readonly #hub: Hub;
  readonly #all = new Map<string, Connection>();
  /** Those that nobody has fetched for since the last sweep. */
  #idle = new Set<Connection>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** Undefined when there are too many. */
  open(token = randomBytes(16).toString('base64url')): Connection | undefined {
    if (this.#all.size >= connectionLimit) return undefined;
    const connection = new Connection(this.#hub, () => {
      // The last poll is still to hear that it is over.
      if (connection.transport !== 'LongPolling') this.drop(token);
    });
    this.#all.set(token, connection);
    this.#sweep ??= setInterval(() => this.#look(), sweepMs).unref();
    return connection;
  }

  find(token: string): Connection | undefined {
    return this.#all.get(token);
  }

  drop(token: string): void {
    this.#all.delete(token);
    if (this.#all.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #look(): void {
    const idle = new Set<Connection>();
    for (const [token, connection] of this.#all) {
      if (connection.takers > 0) connection.ping();
      else if (!this.#idle.has(connection)) idle.add(connection);
      else {
        connection.leave();
        this.drop(token);
      }
    }
    this.#idle = idle;
  }
}

function negotiate(connections: Connections, version: string): Answer {
  if (!/^\d{1,9}$/.test(version)) {
    return { status: 200, json: { error: 'The client requested a non-integer protocol version.' } };
  }
  const connectionId = randomUUID();
  const connectionToken = randomBytes(16).toString('base64url');
  const isOld = Number(version) === 0;
  if (connections.open(isOld ? connectionId : connectionToken) === undefined) return tooMany();
  const id = isOld ? { connectionId } : { connectionToken, connectionId };
  return {
    status: 200,
    json: { ...id, negotiateVersion: isOld ? 0 : 1, availableTransports: transports },
  };
}

async function connect(connections: Connections, request: VendorRequest): Promise<Answer> {
  const wanted: Transport =
    (request.handshake && 'WebSockets') ||
    (/\btext\/event-stream\b/.test(request.headers.accept ?? '') && 'ServerSentEvents') ||
    'LongPolling';
  const token = request.query.get('id') ?? '';
  if (wanted === 'WebSockets' && token === '') {
    const connection = connections.open();
    if (connection === undefined) return tooMany();
    connection.transport = wanted;
    return webSocket(connection, request);
  }
  const connection = found(connections, token);
  if ('status' in connection) return connection;
  if (connection.transport !== undefined && connection.transport !== wanted) {
    return { status: 400, text: 'Cannot change transports mid-connection' };
  }
  if (wanted === 'LongPolling') {
    const answer = await longPoll(connection, request);
    if (connection.over && answer.status === 204) connections.drop(token);
    return answer;
  }
  if (connection.transport !== undefined) return { status: 409, text: '' };
  connection.transport = wanted;
  return wanted === 'WebSockets' ? webSocket(connection, request) : serverSentEvents(connection, request);
}

function receive(connections: Connections, { query, body }: VendorRequest): Answer {
  const connection = found(connections, query.get('id') ?? '');
  if ('status' in connection) return connection;
  if (connection.transport === 'WebSockets') {
    return { status: 405, text: 'POST requests are not allowed for WebSocket connections.' };
  }
  if (connection.over) return { status: 404, text: '' };
  connection.receive(body);
  return { status: 200, text: '' };
}

function terminate(connections: Connections, { query }: VendorRequest): Answer {
  const token = query.get('id') ?? '';
  const connection = found(connections, token);
  if ('status' in connection) return connection;
  if (connection.transport !== 'LongPolling') {
    return { status: 400, text: 'Cannot terminate this connection using the DELETE endpoint.' };
  }
  connection.leave();
  connections.drop(token);
  return { status: 202, text: '' };
}

function found(connections: Connections, token: string): Connection | Answer {
  if (token === '') return { status: 400, text: 'Connection ID required' };
  return connections.find(token) ?? { status: 404, text: 'No Connection with that ID' };
}

function tooMany(): Answer {
  return { status: 503, text: '' };
}

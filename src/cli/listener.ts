import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import { type AddressInfo, connect, Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServerConfig } from '../config/schema.ts';
import type { ListenerTls } from '../config/schema-server.ts';
import type { Address } from '../config/schema-types.ts';
import type { Edge } from '../gateway/edge.ts';
import { endInStages } from '../gateway/ending.ts';
import type { Log } from '../telemetry/log.ts';
import type { Clock } from '../token/clock.ts';
import { Connections } from './connections.ts';
import { ListenerIdentity } from './listener-identity.ts';
import { tellTurnedAway } from './turned-away.ts';

/** A bound listener. */
export interface Listener {
  /** `http://host:port`, `https://host:port`, or `unix:/path`. */
  readonly url: string;
  /** Connections that are open. */
  connections(): Promise<number>;
  /** Stops accepting, lets exchanges in progress end within `graceMs`, then cuts the rest. Resolves to how many were cut. */
  close(graceMs: number): Promise<number>;
  /** Reads the certificate again now. */
  rereadCertificate(): void;
  /** Goes by other bounds and certificate files from now on. Open connections stay. */
  adopt(bounds: Bounds, tls: ListenerTls | undefined): void;
}

type Bounds = Pick<ServerConfig, 'max_connections' | 'header_timeout' | 'send_timeout'>;

export interface ListenOptions {
  readonly bounds: Bounds;
  /** Undefined serves without TLS. */
  readonly tls: ListenerTls | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const keepAliveMs = 60_000;
const sweepMs = 20;

/** Binds `address`. Rejects with what `listen` reports: EADDRINUSE, EACCES, …; unbounded without `options`. */
export async function listen(
  address: Address,
  handler: Edge | RequestListener,
  options?: ListenOptions,
): Promise<Listener> {
  const onRequest = typeof handler === 'function' ? handler : handler.request;
  const edge = typeof handler === 'function' ? undefined : handler;
  let draining = false;
  const http: ServerOptions = {
    // An upload may be long; its silences are measured instead.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    shouldUpgradeCallback: (request) => edge?.mayUpgrade(request) ?? false,
    // An edge answers it itself, as it does everything else.
    requireHostHeader: edge === undefined,
    ...headTimes(options?.bounds.header_timeout),
  };
  const serve: RequestListener = (request, response) => {
    if (draining) response.shouldKeepAlive = false;
    onRequest(request, response);
  };
  const identity = options?.tls && new ListenerIdentity(options.tls, options.clock, options.log);
  const server = identity === undefined ? createServer(http, serve) : secured(identity, http, serve);
  const open = options && bounded(server, options);
  server.on('upgrade', (request, socket, early) => edge?.upgrade(request, socket as Socket, early));
  if (edge === undefined) server.on('connect', (_request, socket) => refuseConnect(socket));
  else handOver(server, edge);
  await bind(server, address);
  if (options !== undefined) tellTurnedAway(server, options.clock, options.log);
  if (identity !== undefined) identity.keep(server as TlsServer);
  return {
    url: urlOf(server, address),
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    close(graceMs) {
      draining = true;
      identity?.close();
      return drain(server, graceMs, open, () => edge?.cut());
    },
    rereadCertificate: () => identity?.reread(),
    adopt(bounds, tls) {
      server.maxConnections = bounds.max_connections;
      server.headersTimeout = bounds.header_timeout;
      if (open !== undefined) open.limitMs = bounds.send_timeout;
      if (tls !== undefined) identity?.adopt(tls);
    },
  };
}

/** What Node's server keeps from its request listener, or would answer without a word in the log. */
function handOver(server: Server, edge: Edge): void {
  server.on('clientError', (error, socket) => edge.unreadable(error, socket as Socket));
  server.on('checkExpectation', edge.request);
  server.on('connect', (_request, socket) => edge.connect(socket as Socket));
  const endGently = (socket: Socket) => {
    socket.destroySoon = () => endInStages(socket);
  };
  server.on('connection', endGently).on('secureConnection', endGently);
}

function refuseConnect(socket: Duplex): void {
  socket.on('error', () => {});
  const answer =
    'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
  // The other side may never close; a server with a connection left would never stop.
  socket.end(answer, () => socket.destroy());
}

/** The limit for a request's head, which counts from the connection for the first, and how often it is looked at. */
function headTimes(headersTimeout: number | undefined): ServerOptions {
  if (headersTimeout === undefined) return {};
  return { headersTimeout, connectionsCheckingInterval: Math.min(Math.max(headersTimeout / 4, 50), 1_000) };
}

function secured(identity: ListenerIdentity, http: ServerOptions, serve: RequestListener): Server {
  const { headersTimeout = 0 } = http;
  // A caller may end its direction of a WebSocket alone; http servers allow that by themselves.
  const more = { handshakeTimeout: headersTimeout, allowHalfOpen: true };
  return createTlsServer({ ...http, ...identity.options(), ...more }, serve);
}

function bounded(server: Server, { bounds, clock }: ListenOptions): Connections {
  const open = new Connections(bounds.send_timeout, clock);
  server.maxConnections = bounds.max_connections;
  // One of several workers would else hand them on to the next for ever.
  Object.assign(server, { dropMaxConnection: true });
  // With TLS too, what lies beneath.
  server.on('connection', (socket: Socket) => open.add(socket));
  const spoken = server instanceof TlsServer ? 'secureConnection' : 'connection';
  server.on(spoken, (socket: Socket) => open.speaks(socket));
  return open;
}

async function bind(server: Server, address: Address): Promise<void> {
  if (address.kind === 'unix') await removeStaleSocket(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    if (address.kind === 'tcp') {
      server.listen(address.port, address.host);
      return;
    }
    const mask = process.umask(0o177);
    server.listen(address.path);
    process.umask(mask);
  });
  if (address.kind === 'unix') chmodSync(address.path, 0o600);
}

/** A socket file that nobody listens on is left over from a crash. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    // Nothing else says that nobody is there: one that is busy answers EAGAIN (connect(2)).
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
  if (!alive) unlinkSync(path);
}

function drain(
  server: Server,
  graceMs: number,
  open: Connections | undefined,
  cutTunnels: () => void,
): Promise<number> {
  return new Promise((resolve) => {
    let cut = 0;
    // A connection becomes idle when its last exchange ends; Node closes those that are idle only when asked.
    const closeIdle = () => {
      if (!open?.isSending) server.closeIdleConnections();
    };
    const sweep = setInterval(closeIdle, sweepMs);
    const deadline = setTimeout(() => {
      server.getConnections((_error, count) => {
        cut = count;
        cutTunnels();
        open?.cut();
        server.closeAllConnections();
      });
    }, graceMs);
    // An HTTP server's own close() would close what it calls idle.
    NetServer.prototype.close.call(server, () => {
      clearInterval(sweep);
      clearTimeout(deadline);
      resolve(cut);
    });
    closeIdle();
  });
}

function urlOf(server: Server, address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const { address: host, port, family } = server.address() as AddressInfo;
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  return `${scheme}://${family === 'IPv6' ? `[${host}]` : host}:${port}`;
}

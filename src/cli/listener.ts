import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Address } from '../config/schema-types.ts';

/** A bound listener. */
export interface Listener {
  /** `http://host:port`, or `unix:/path`. */
  readonly url: string;
  /** Stops accepting, lets exchanges in progress end within `graceMs`, then cuts the rest. Resolves to how many were cut. */
  close(graceMs: number): Promise<number>;
}

const keepAliveMs = 60_000;
const sweepMs = 20;

/** Binds `address`. Rejects with what `listen` reports: EADDRINUSE, EACCES, … */
export async function listen(address: Address, onRequest: RequestListener): Promise<Listener> {
  let draining = false;
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: keepAliveMs }, (request, response) => {
    if (draining) response.shouldKeepAlive = false;
    onRequest(request, response);
  });
  // CONNECT never reaches the request listener.
  server.on('connect', (_request, socket) => {
    socket.on('error', () => {});
    const answer =
      'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
    // The other side may never close; a server with a connection left would never stop.
    socket.end(answer, () => socket.destroy());
  });
  await bind(server, address);
  return {
    url: urlOf(server, address),
    close(graceMs) {
      draining = true;
      return drain(server, graceMs);
    },
  };
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
    probe.once('error', () => resolve(false));
  });
  if (!alive) unlinkSync(path);
}

function drain(server: Server, graceMs: number): Promise<number> {
  return new Promise((resolve) => {
    let cut = 0;
    // A connection becomes idle when its last exchange ends; Node closes those that are idle only when asked.
    const sweep = setInterval(() => server.closeIdleConnections(), sweepMs);
    const deadline = setTimeout(() => {
      server.getConnections((_error, count) => {
        cut = count;
        server.closeAllConnections();
      });
    }, graceMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(deadline);
      resolve(cut);
    });
    server.closeIdleConnections();
  });
}

function urlOf(server: Server, address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const { address: host, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`;
}

import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Handshake } from './message.ts';

export interface VendorListenerOptions {
  /** Default: one the system chooses. */
  readonly port?: number | undefined;
  /** Whether WebSocket handshakes for this target come with their connection. */
  upgrades(target: string): boolean;
  /** `outgoing` has no connection yet when there is a handshake: see `refuseHandshake`. */
  serve(incoming: IncomingMessage, outgoing: ServerResponse, handshake?: Handshake): void;
}

/** Where a vendor listens. */
export interface VendorListener {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** Cuts every connection, also those that have switched protocols. */
  close(): Promise<void>;
}

/** Listens on loopback. */
export async function listenOnLoopback({
  port = 0,
  upgrades,
  serve,
}: VendorListenerOptions): Promise<VendorListener> {
  const switched = new Set<Duplex>();
  const server = createServer(
    {
      keepAliveTimeout: 65_000,
      shouldUpgradeCallback: ({ method, headers, url = '' }) =>
        method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && upgrades(url),
    },
    (incoming, outgoing) => serve(incoming, outgoing),
  );
  server.on('upgrade', (incoming, socket, early) => {
    switched.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => switched.delete(socket));
    serve(incoming, new ServerResponse(incoming), { socket, early });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      for (const socket of switched) socket.destroy();
      await closed;
    },
  };
}

/** What `outgoing` says is the answer to the handshake, and its connection ends with it. */
export function refuseHandshake({ socket }: Handshake, outgoing: ServerResponse): void {
  outgoing.assignSocket(socket as Socket);
  outgoing.shouldKeepAlive = false;
  outgoing.on('finish', () => socket.end(() => socket.destroy()));
}

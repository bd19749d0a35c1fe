import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';

/** Bytes of the answer at /big. */
export const bigBytes = 8 * 1024 * 1024;
/** Events of the answer at /events. */
export const eventCount = 5;

export interface Upstream {
  readonly port: number;
  close(): void;
}

/** Whether a credential that arrives is one that may be used now. */
export type Accepts = (authorization: string | undefined) => boolean;

const big = Buffer.alloc(bigBytes, 'b');
/** The kernel's buffers between two processes hold up to 10 MiB. */
const huge = Buffer.alloc(32 * 1024 * 1024);

/** An API that does what its paths say, faults too; 418 for a credential that must not have been sent. */
export async function startUpstream(accepts: Accepts): Promise<Upstream> {
  const refusedOnce = new Set<string>();
  const server = createServer((request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    if (accepts(request.headers.authorization)) answer(request, response, refusedOnce);
    else response.writeHead(418).end();
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket: Socket, head) => {
    if (!accepts(request.headers.authorization)) socket.end('HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n');
    else {
      sockets.handleUpgrade(request, socket, head, (one) => {
        one.on('error', () => {});
        one.on('message', (data, isBinary) => one.send(data, { binary: isBinary }));
      });
    }
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => stop(server, sockets),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, refusedOnce: Set<string>): void {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://upstream');
  switch (pathname) {
    case '/events':
      events(response);
      break;
    case '/big':
      response.end(big);
      break;
    case '/huge':
      response.end(huge);
      break;
    case '/refused-once': {
      const id = searchParams.get('id') ?? '';
      if (refusedOnce.delete(id)) echo(request, response);
      else {
        refusedOnce.add(id);
        request.resume().on('end', () => response.writeHead(401).end());
      }
      break;
    }
    case '/refused':
      response.writeHead(401).end();
      break;
    case '/reset-before':
      request.socket.destroy();
      break;
    case '/reset-after-head':
      response.writeHead(200, { 'content-length': 1_000 });
      response.write('part', () => request.socket.resetAndDestroy());
      break;
    case '/truncated':
      response.write('part', () => request.socket.destroy());
      break;
    case '/black-hole':
      break;
    default:
      echo(request, response);
  }
}

function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => response.end(Buffer.concat(chunks)));
}

function events(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let sent = 0;
  const send = setInterval(() => {
    response.write(`data: ${sent++}\n\n`);
    if (sent === eventCount) response.end();
  }, 100);
  response.on('close', () => clearInterval(send));
}

function stop(server: Server, sockets: WebSocketServer): void {
  for (const one of sockets.clients) one.terminate();
  server.close();
  server.closeAllConnections();
}

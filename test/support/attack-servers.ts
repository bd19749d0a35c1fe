import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';

/** A server that lets every page do and read everything, and remembers who came. */
export interface OpenServer {
  readonly port: number;
  connections: number;
  /** `METHOD /path` of every request, handshakes too. */
  readonly requests: string[];
  close(): Promise<void>;
}

const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==', 'base64');

/** What a page asked for, in the form that lets it read the most: always the word READ. */
function bait({ url = '', headers }: IncomingMessage): [string, string | Buffer] {
  if (/iframe|form|open|location|typed/.test(url))
    return ['text/html', '<script>(opener ?? parent).postMessage("READ", "*")</script>'];
  if (/script/i.test(url)) return ['text/javascript', 'globalThis.leak = "READ"'];
  if (/style/.test(url)) return ['text/css', ':root { --leak: READ }'];
  if (/image|background/.test(url)) return ['image/gif', gif];
  if (headers.accept === 'text/event-stream') return ['text/event-stream', 'data: READ\n\n'];
  return ['text/plain', 'READ'];
}

export async function openServer(): Promise<OpenServer> {
  const note = ({ method, url }: IncomingMessage) => void self.requests.push(`${method} ${url}`);
  const server = createServer((request, response) => {
    note(request);
    const [type, body] = bait(request);
    response.writeHead(200, {
      'content-type': type,
      'access-control-allow-origin': request.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': '*, DELETE',
      'access-control-allow-headers': 'x-api-key, content-type',
      'access-control-allow-private-network': 'true',
      'cross-origin-resource-policy': 'cross-origin',
    });
    response.end(body);
  });
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', (socket, request) => {
    note(request);
    socket.on('error', () => {});
    socket.send('READ');
  });
  server.on('connection', () => self.connections++);
  const self: OpenServer = {
    port: await listening(server),
    connections: 0,
    requests: [],
    close() {
      for (const socket of webSockets.clients) socket.terminate();
      return closed(server);
    },
  };
  return self;
}

/** The hostile page, and what else its author serves: redirects anywhere, and a document whose violations are reported. */
export async function hostileServer(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const script = readFileSync(join(import.meta.dirname, '../behaviour/attack-page.js'), 'utf8');
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://hostile.test');
    const to = searchParams.get('to') ?? '';
    response.setHeader('connection', 'close');
    response.setHeader('content-type', 'text/html');
    if (pathname === '/redirect') {
      response.setHeader('access-control-allow-origin', '*');
      response.writeHead(307, { location: to }).end();
    } else if (pathname === '/reporting') {
      response.setHeader('content-security-policy', `img-src 'none'; report-uri ${to}`);
      response.end('<img src="/image">');
    } else if (pathname === '/attack-page.js')
      response.setHeader('content-type', 'text/javascript').end(script);
    else
      response.end(
        '<!doctype html><link rel=icon href="data:,"><body><script src="/attack-page.js"></script>',
      );
  };
  const server = createServer(serve);
  return { port: await listening(server), close: () => closed(server) };
}

/** A relay that passes bytes on as they are and notes what was asked and answered. */
export interface Relay {
  readonly port: number;
  /** Where connections lead from now on. */
  to: number;
  /** `METHOD status` of every answered request with this path. */
  seen(path: string): string[];
  close(): Promise<void>;
}

export async function relay(to: number): Promise<Relay> {
  const connections: { asked: string; answered: string; to: number }[] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((caller) => {
    const noted = { asked: '', answered: '', to: self.to };
    connections.push(noted);
    const target = connect(self.to, '127.0.0.1');
    for (const socket of [caller, target]) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          caller.destroy();
          target.destroy();
        });
    }
    caller.on('data', (bytes) => {
      noted.asked += bytes.toString('latin1');
    });
    target.on('data', (bytes) => {
      noted.answered += bytes.toString('latin1');
    });
    caller.pipe(target);
    target.pipe(caller);
  });
  const self: Relay = {
    port: await listening(server),
    to,
    seen: (path) =>
      connections.flatMap(({ asked, answered, to }) => {
        if (to !== self.to) return [];
        const statuses = [...answered.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status);
        return [...asked.matchAll(/([A-Z]+) (\S+) HTTP\/1\.1\r\n/g)].flatMap(([, method, target], i) =>
          target?.replace(/\?.*/, '') === path && statuses[i] !== undefined
            ? [`${method} ${statuses[i]}`]
            : [],
        );
      }),
    close() {
      for (const socket of sockets) socket.destroy();
      return closed(server);
    },
  };
  return self;
}

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function closed(server: Server | ReturnType<typeof createTcpServer>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
}

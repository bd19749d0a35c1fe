import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '../admin/page.ts';
import { isLoopback } from '../config/reach.ts';
import { CupbearerError } from '../errors.ts';
import { allowedHosts } from '../gateway/hosts.ts';

/** What a redirect to us led to; `end` ends the listening. */
export interface CallbackReply<T> {
  readonly page: Page;
  readonly end?: { readonly value: T } | { readonly error: unknown } | undefined;
}

export interface LoopbackOptions<T> {
  /** A loopback address, or undefined for one of our own; see `loopbackFault`. */
  readonly redirectUri: string | undefined;
  /** The port to listen on when the address names none; 0 for one of the system's choice. */
  readonly port: number;
  /** Answers a redirect; `query` is raw. */
  readonly answer: (query: string) => Promise<CallbackReply<T>>;
}

/** A listener on this machine that waits for one redirect. */
export interface Loopback<T> {
  /** Where the provider must send the browser. */
  readonly redirectUri: string;
  /** Resolves or rejects when a redirect has ended it and has been answered. */
  readonly ended: Promise<T>;
  close(): Promise<void>;
}

/** Whether the address is one that we can listen at ourselves (RFC 8252 §7.3): plain HTTP on this machine. */
export function isLoopbackUri(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const { protocol, hostname, username, hash } = new URL(uri);
  return protocol === 'http:' && isLoopback(hostname) && username === '' && hash === '';
}

/** The port that an address names, 80 included, which a parsed URL leaves out; undefined when it names none. */
export function namedPort(uri: string): number | undefined {
  const [, digits] = /^[a-z]+:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(uri) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Listens where `redirectUri` leads; for the name localhost on both loopback addresses, as a browser may take either.
 * Rejects with `login-failed` when the port is taken.
 */
export async function listenForRedirect<T>({
  redirectUri,
  port,
  answer,
}: LoopbackOptions<T>): Promise<Loopback<T>> {
  const wanted = new URL(redirectUri ?? 'http://127.0.0.1/callback');
  const hosts = allowedHosts([wanted.hostname]);
  const ended = Promise.withResolvers<T>();
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch((error: unknown) => {
      response.destroy();
      ended.reject(error);
    });
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request, hosts, wanted.pathname);
    if (refusal !== undefined) {
      response.writeHead(refusal, { connection: 'close', ...(refusal === 405 && { allow: 'GET' }) }).end();
      return;
    }
    const [, query = ''] = /\?(.*)$/s.exec(request.url ?? '') ?? [];
    const { page, end } = await answer(query);
    response.writeHead(page.status, { ...page.headers, connection: 'close' });
    // The page may be read to its end, or not at all; what has been decided holds.
    await new Promise<void>((resolve) => {
      response.on('close', resolve);
      response.end(page.body);
    });
    if (end === undefined) return;
    if ('error' in end) ended.reject(end.error);
    else ended.resolve(end.value);
  }

  const named = redirectUri === undefined ? undefined : namedPort(redirectUri);
  const servers = await listenAll(addressesOf(wanted.hostname), named ?? port, onRequest).catch((error) => {
    throw taken(error, named === undefined ? undefined : redirectUri);
  });
  // Nobody may be waiting yet, or any more.
  ended.promise.catch(() => undefined);
  return {
    // As it was written when it names its port: providers compare character by character (RFC 9700 §2.1).
    redirectUri: redirectUri !== undefined && named !== undefined ? redirectUri : withPort(wanted, servers),
    ended: ended.promise,
    close: () => closeAll(servers),
  };
}

function addressesOf(hostname: string): string[] {
  if (hostname === '[::1]') return ['::1'];
  return hostname.startsWith('127.') ? [hostname] : ['127.0.0.1', '::1'];
}

type OnRequest = (request: IncomingMessage, response: ServerResponse) => void;

/** One server an address, all on the same port; port 0 is one that is free on each. */
async function listenAll(
  [first = '', ...others]: readonly string[],
  port: number,
  onRequest: OnRequest,
): Promise<Server[]> {
  for (let left = 10; ; left--) {
    const servers = [await listen(first, port, onRequest)];
    try {
      for (const other of others) {
        const server = await listen(other, portOf(servers), onRequest).catch(unlessMissing);
        if (server !== undefined) servers.push(server);
      }
      return servers;
    } catch (error) {
      await closeAll(servers);
      if (port !== 0 || left === 0) throw error;
    }
  }
}

function listen(address: string, port: number, onRequest: OnRequest): Promise<Server> {
  const server = createServer(onRequest);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve(server));
  });
}

/** A machine may have no IPv6; then nobody else listens there either. */
function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EADDRNOTAVAIL' && error.code !== 'EAFNOSUPPORT') throw error;
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
  for (const server of servers) server.closeAllConnections();
  await Promise.all(closed);
}

function portOf([server]: readonly Server[]): number {
  const { port } = (server as Server).address() as AddressInfo;
  return port;
}

function withPort({ hostname, pathname, search }: URL, servers: readonly Server[]): string {
  return `http://${hostname}:${portOf(servers)}${pathname}${search}`;
}

function refusalOf(
  request: IncomingMessage,
  hosts: ReturnType<typeof allowedHosts>,
  path: string,
): number | undefined {
  const [host = '', second] = request.headersDistinct.host ?? [];
  try {
    if (second !== undefined || !hosts.field(host)) return 421;
  } catch {
    return 400;
  }
  if (request.url?.split('?', 1)[0] !== path) return 404;
  return request.method === 'GET' ? undefined : 405;
}

function taken(error: NodeJS.ErrnoException, redirectUri: string | undefined): CupbearerError {
  const why = reasons[error.code ?? ''] ?? error.code;
  const at = redirectUri === undefined ? '' : ` at ${redirectUri}, the credential's redirect_uri`;
  const other = redirectUri === undefined ? 'choose another --port' : 'free its port';
  return new CupbearerError(
    'login-failed',
    `cannot listen for the login to come back${at} (${why}); ${other}, or use --paste`,
    { cause: error },
  );
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'no permission for that port',
};

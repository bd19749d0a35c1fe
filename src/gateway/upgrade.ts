import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { CupbearerError } from '../errors.ts';
import { singleField } from './fields.ts';
import type { GatewayRoute } from './gateway-route.ts';
import type { RequestHead } from './guard.ts';
import { responseFields } from './response-fields.ts';
import type { RouteTable } from './routes.ts';

/** Whether a request asks for a WebSocket (RFC 6455 §4.1) on a route that lets it through. */
export function mayUpgrade(incoming: IncomingMessage, table: RouteTable<GatewayRoute>): boolean {
  if (incoming.method !== 'GET' || incoming.httpVersion !== '1.1') return false;
  if (incoming.headers.upgrade?.toLowerCase() !== 'websocket') return false;
  const [path = ''] = (incoming.url ?? '').split('?', 1);
  return table.match(path)?.route.config.upgrade === true;
}

/** What a caller may send before the 101, beyond one piece. */
const keptBytes = 64 * 1024;

/** A caller's opening handshake: its connection, which waits for the upstream's 101. */
export interface Handshake {
  readonly socket: Socket;
  /** Sec-WebSocket-Key. */
  readonly key: string;
  /** Sends the head of the 101; the connection is a tunnel's from here on. */
  finish(head: Buffer): void;
}

/**
 * Reads a handshake; `early` is what the caller sent behind it, kept for the upstream. Throws CupbearerError
 * `malformed-request` (RFC 6455 §4.2.1).
 */
export function readHandshake(head: RequestHead, socket: Socket, early: Buffer): Handshake {
  const key = singleField(head, 'sec-websocket-key');
  if (typeof key !== 'string' || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    throw new CupbearerError(
      'malformed-request',
      'a WebSocket handshake needs exactly one Sec-WebSocket-Key of 16 bytes in base64 (RFC 6455 §4.1)',
    );
  }
  if (head.chunked || head.contentLength) {
    throw new CupbearerError('malformed-request', 'a WebSocket handshake has no body (RFC 6455 §4.1)');
  }
  // Reads on, so that a caller that leaves is noticed; what comes is the upstream's to have.
  const kept = [early];
  let bytes = early.length;
  const keep = (chunk: Buffer) => {
    if (socket.writableEnded) return;
    kept.push(chunk);
    bytes += chunk.length;
    if (bytes > keptBytes) socket.pause();
  };
  const left = () => void socket.destroy();
  socket.on('data', keep).once('end', left);
  return {
    socket,
    key,
    finish(head) {
      socket.off('data', keep).off('end', left).pause();
      socket.write(head);
      if (bytes > 0) socket.unshift(Buffer.concat(kept));
    },
  };
}

/**
 * The head of the 101 for the caller. `raw` is the upstream's. Throws CupbearerError `upstream-protocol` when it switched
 * to anything but the WebSocket that was asked for (RFC 6455 §4.1).
 */
export function switchingHead(raw: readonly string[], key: string, route: GatewayRoute): Buffer {
  const values = (wanted: string) =>
    raw.flatMap((name, i) => (i % 2 === 0 && name.toLowerCase() === wanted ? [raw[i + 1] as string] : []));
  const [upgrade, ...others] = values('upgrade');
  if (upgrade?.toLowerCase() !== 'websocket' || others.length > 0)
    refuse(route, 'switched to another protocol than websocket');
  const [accept, ...more] = values('sec-websocket-accept');
  if (accept !== acceptOf(key) || more.length > 0)
    refuse(route, 'did not prove that it read the handshake (Sec-WebSocket-Accept does not match)');
  const { fields } = responseFields(raw, 101, route.config, false);
  let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() !== 'content-length') head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, 'latin1');
}

/** RFC 6455 §4.2.2. */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

function refuse(route: GatewayRoute, what: string): never {
  throw new CupbearerError('upstream-protocol', `route ${route.prefix}: the upstream ${what}`);
}

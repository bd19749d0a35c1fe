import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Ends a connection at once, by a reset where there is such a thing: on TCP without TLS. */
export function reset(socket: Socket): void {
  // Node throws when asked to reset anything else.
  if ('encrypted' in socket || socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

/**
 * Breaks an answer off, so that the caller cannot take it for complete: an HTTP/1.0 one learns it by a reset alone, or by
 * TLS that ends without notice; on a Unix socket it cannot.
 */
export function breakOff(outgoing: ServerResponse): void {
  const { req, socket } = outgoing;
  if (req.httpVersionMinor === 0 && socket !== null) reset(socket);
  outgoing.destroy();
}

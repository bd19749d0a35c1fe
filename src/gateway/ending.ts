import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ProblemAnswer } from './problem.ts';

const readOnMs = 500;

/**
 * Ends a connection in stages: what was written is sent and our side closed, and what still comes is read for half a
 * second. Closing at once, with bytes unread, would reset it, and the answer could be lost (RFC 9112 §9.6).
 */
export function endInStages(socket: Socket): void {
  if (socket.destroyed) return;
  socket.end();
  socket.resume();
  const over = setTimeout(() => socket.destroy(), readOnMs).unref();
  socket.once('close', () => clearTimeout(over));
}

/** After an early answer: the rest of the upload is read for a moment, then its connection ends. */
export function endUpload(incoming: IncomingMessage): void {
  incoming.resume();
  setTimeout(() => {
    if (!incoming.complete) incoming.destroy();
  }, readOnMs).unref();
}

/** Sends our own answer, whatever has come of the body. */
export function writeProblem(
  { status, headers, body }: ProblemAnswer,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  // The reason phrase of an upstream's head that Node refused would stay otherwise.
  outgoing.writeHead(status, STATUS_CODES[status] ?? '', headers);
  outgoing.end(incoming.method === 'HEAD' ? '' : body);
  incoming.resume();
}

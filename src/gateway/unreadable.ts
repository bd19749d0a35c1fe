import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { CupbearerError } from '../errors.ts';
import { endInStages } from './ending.ts';
import { answerProblem, type Exchange } from './record.ts';
import { owedOn } from './turns.ts';

/** Emitted on a request, with a CupbearerError, when the rest of its body cannot be read. */
export const bodyUnreadable = Symbol('body unreadable');

/** Answers where Node's HTTP server found no request that could be handed on. */
export interface Unreadable {
  /** Node's parser gave up on a connection, or waited too long, or the connection broke: its `clientError`. */
  failed(error: Error, socket: Socket): void;
  /** A request whose connection is out of the server's hands, CONNECT, goes no further; its connection ends. */
  refuse(record: Exchange, error: CupbearerError, socket: Socket): void;
}

export function createUnreadable(
  newExchange: () => Exchange,
  onEnd: (exchange: Exchange) => void,
): Unreadable {
  // The parser fails again on all that follows.
  const seen = new WeakSet<Socket>();
  const refuse = (record: Exchange, error: CupbearerError, socket: Socket) => {
    socket.write(answerBytes(record, error));
    endInStages(socket);
    onEnd(record);
  };
  /** What is owed before goes out first; the request that broke in its body gets the answer, or else it comes alone. */
  const settle = (reason: CupbearerError, socket: Socket) => {
    const owed = owedOn(socket);
    if (owed === undefined) {
      if (socket.writable) refuse(newExchange(), reason, socket);
    } else if (owed.req.complete) {
      owed.once('close', () => settle(reason, socket));
    } else if (!owed.req.emit(bodyUnreadable, reason)) {
      // Nobody reads that body: an answer to its head is on the way.
      owed.shouldKeepAlive = false;
      owed.once('close', () => endInStages(socket));
    }
  };
  return {
    failed(error, socket) {
      if (seen.has(socket)) return;
      seen.add(socket);
      const reason = reasonOf(error);
      if (reason === undefined) socket.destroy();
      else settle(reason, socket);
    },
    refuse,
  };
}

/** What the caller is told; undefined when the connection itself broke. The raw bytes in `error` go nowhere. */
function reasonOf(cause: Error): CupbearerError | undefined {
  const code = 'code' in cause ? String(cause.code) : '';
  const because = (of: ConstructorParameters<typeof CupbearerError>[0], message: string) =>
    new CupbearerError(of, message, { cause });
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return because('fields-too-large', 'the request line and the fields are too large or too many');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return because('body-too-large', 'the chunk extensions of the body are more than 16 KiB');
    case 'HPE_INVALID_VERSION':
    case 'HPE_PAUSED_H2_UPGRADE':
      return because('version-not-supported', 'only HTTP/1.1 and 1.0 are served');
    case 'HPE_INVALID_EOF_STATE':
      return because('malformed-request', 'the request ended before it was complete');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return because('request-timeout', 'the request took too long to arrive');
  }
  if (!code.startsWith('HPE_')) return undefined;
  return because('malformed-request', 'what was sent is not valid HTTP (RFC 9112)');
}

function answerBytes(record: Exchange, error: CupbearerError): string {
  const { status, headers, body } = answerProblem(record, error);
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  const fields = { ...headers, date: new Date().toUTCString(), connection: 'close' };
  for (const [name, value] of Object.entries(fields)) head += `${name}: ${value}\r\n`;
  return `${head}\r\n${body}`;
}

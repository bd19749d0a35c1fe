import { lookup } from 'node:dns';
import type { LookupFunction, Socket } from 'node:net';
import { buildConnector } from '../undici.ts';

/** Whether no credential may ever be sent to an IP address. */
export type IsForbidden = (address: string) => boolean;

/** The code of the error with which a connection to a name fails that has forbidden addresses alone. */
export const forbiddenAddress = 'ERR_UPSTREAM_ADDRESS';

/**
 * undici's way to connect, with two gaps closed: a name is connected to at addresses that are not forbidden alone, and a
 * connection that broke is never taken for one that ended.
 */
export function createConnector(
  options: buildConnector.BuildOptions,
  isForbidden: IsForbidden,
): buildConnector.connector {
  const connect = buildConnector({ ...options, lookup: allowedLookup(isForbidden) } as typeof options);
  return (where, callback) => {
    connect(where, (...result) => {
      const [failure, socket] = result;
      if (failure === null) markBreaks(socket);
      callback(...result);
    });
  };
}

const breaks = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/**
 * undici takes an answer without a length for complete when its connection is reset (onHttpSocketError of client-h1), and
 * fails requests it has not sent yet with the error of an idle connection. An error with a code of its own makes it do
 * neither. Runs before undici's listener: that one is added once this socket is handed over.
 */
function markBreaks(socket: Socket): void {
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (breaks.has(error.code ?? '')) error.code = 'UND_ERR_SOCKET';
  });
}

function allowedLookup(isForbidden: IsForbidden): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '');
      const allowed = addresses.filter(({ address }) => !isForbidden(address));
      const [first] = allowed;
      if (first === undefined) {
        const refusal = new Error(`${hostname} has forbidden addresses alone`);
        return callback(Object.assign(refusal, { code: forbiddenAddress }), '');
      }
      if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const maxWaiting = 100;

/** The answer that is owed on a connection, if any. Node's HTTP server keeps it under this name alone. */
export function owedOn(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

/** Has the pipelined requests of a connection wait for each other's answers (RFC 9112 §9.3.2). */
export interface Turns {
  /**
   * Calls `begin` once the answers before `outgoing` have been sent; never when the connection ends with one of them.
   * False when too many wait already.
   */
  wait(incoming: IncomingMessage, outgoing: ServerResponse, begin: () => void): boolean;
}

export function createTurns(): Turns {
  const waiting = new WeakMap<Socket, number>();
  return {
    wait({ socket }, outgoing, begin) {
      const count = waiting.get(socket) ?? 0;
      if (count >= maxWaiting) return false;
      waiting.set(socket, count + 1);
      outgoing.once('socket', () => {
        waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
        begin();
      });
      return true;
    },
  };
}

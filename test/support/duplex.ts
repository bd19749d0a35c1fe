import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';

/** A connection that stays open, and everything it has received so far (latin1). */
export interface Duplex {
  readonly socket: Socket;
  received(): string;
  /** Resolves when what was received matches; rejects after 5 s. */
  until(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Whether the other side has ended its direction. */
  ended(): boolean;
  /** Resolves when the other side has ended or broken the connection; ends this side too. */
  closed(): Promise<void>;
}

/** Connects to a port of this machine. It may end one direction and go on reading. */
export async function duplex(port: number): Promise<Duplex> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const watched = watchSocket(socket);
  await once(socket, 'connect');
  return watched;
}

/** Records what a connection receives. */
export function watchSocket(socket: Socket): Duplex {
  const chunks: Buffer[] = [];
  let isEnded = false;
  const received = () => Buffer.concat(chunks).toString('latin1');
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.on('end', () => {
    isEnded = true;
  });
  return {
    socket,
    received,
    async until(pattern) {
      await expect.poll(received, { timeout: 5_000 }).toMatch(pattern);
      return received().match(pattern) as RegExpMatchArray;
    },
    ended: () => isEnded,
    async closed() {
      await expect.poll(() => isEnded || socket.closed, { timeout: 5_000 }).toBe(true);
      socket.end();
    },
  };
}

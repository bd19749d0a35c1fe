import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Passes connections on to another port, byte for byte, and keeps the head of the first request of each. */
export interface Relay {
  readonly port: number;
  /** Request line and fields as they arrived, latin1. */
  readonly heads: readonly string[];
  /** Bytes that are sent back instead of connecting on, for the next connection alone. */
  answerNext(bytes: string): void;
  /** Breaks every connection. */
  cut(): void;
  close(): Promise<void>;
}

export async function startRelay(toPort: number): Promise<Relay> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const answers: string[] = [];
  const hold = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer(async (socket) => {
    hold(socket);
    let head = Buffer.alloc(0);
    while (!head.includes('\r\n\r\n')) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      head = Buffer.concat([head, chunk]);
    }
    socket.pause();
    heads.push(head.toString('latin1').split('\r\n\r\n', 1)[0] as string);
    const answer = answers.shift();
    if (answer !== undefined) {
      socket.end(answer);
      return;
    }
    const onward = hold(connect(toPort, '127.0.0.1'));
    onward.write(head);
    socket.pipe(onward).pipe(socket);
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    heads,
    answerNext: (bytes) => void answers.push(bytes),
    cut,
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

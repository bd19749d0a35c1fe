import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An upstream that answers GET, refuses the first POST as soon as its head is there, and reads the second whole. */
export async function earlyRefusal(
  answer: string,
): Promise<{ port: number; replayed(): Buffer; close(): Promise<void> }> {
  let count = 0;
  let replayed: Buffer = Buffer.alloc(0);
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.end('ok');
      return;
    }
    if (++count === 1) {
      request.socket.write(answer);
      return;
    }
    const parts: Buffer[] = [];
    for await (const chunk of request) parts.push(chunk as Buffer);
    replayed = Buffer.concat(parts);
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    replayed: () => replayed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

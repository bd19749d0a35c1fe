import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A program on the admin listener's address that says it is Cupbearer and answers every request alike. */
export interface Squatter {
  /** `127.0.0.1:port` */
  readonly at: string;
  /** Method and path of what it was asked. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export async function startSquatter(answer: unknown): Promise<Squatter> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(200, { 'content-type': 'application/json', 'x-cupbearer': '1' });
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    at: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A revocation endpoint (RFC 7009) that remembers what it was asked to revoke. */
export interface RevocationEndpoint {
  readonly url: string;
  /** `token` and `token_type_hint` of each request, also of those it refused. */
  readonly asked: (readonly [token: string, hint: string | null])[];
  /** The status of its answers; 0: it never answers. */
  status: number;
  close(): Promise<void>;
}

export async function startRevocationEndpoint(): Promise<RevocationEndpoint> {
  const asked: (readonly [string, string | null])[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const form = new URLSearchParams(body);
    asked.push([form.get('token') ?? '', form.get('token_type_hint')]);
    if (endpoint.status === 0) return;
    response.writeHead(endpoint.status, { 'content-type': 'application/json' });
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: RevocationEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/revoke`,
    asked,
    status: 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return endpoint;
}

import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TokenCall {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as a form. */
  readonly form: URLSearchParams;
}

export interface TokenReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; `raw` is sent as it is. */
  readonly json?: unknown;
  readonly raw?: string | Buffer;
  /** The connection is cut instead of an answer. */
  readonly cut?: boolean;
  /** No answer at all. */
  readonly silent?: boolean;
}

/** Decides the answer to the `count`th call, 1-based. */
export type Script = (count: number, call: TokenCall) => TokenReply | Promise<TokenReply>;

/** A token endpoint on loopback that does what a script says and remembers what it was asked. */
export interface TokenEndpoint {
  readonly url: string;
  readonly calls: TokenCall[];
  /** Connections accepted so far. */
  connections: number;
  script: Script;
  close(): Promise<void>;
}

/** The usual answer: `t1`, `t2`, … for an hour. */
export const hourly: Script = (count) => ({ json: answer(`t${count}`, 3600) });

/** A plain RFC 6749 §5.1 answer; `expires_in` is left out when undefined. */
export function answer(value: string, expires_in?: unknown, more: object = {}): object {
  return {
    access_token: value,
    token_type: 'Bearer',
    ...(expires_in === undefined ? {} : { expires_in }),
    ...more,
  };
}

export async function startTokenEndpoint(script: Script = hourly): Promise<TokenEndpoint> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '', headers } = request;
    const call = { method, url, headers, body, form: new URLSearchParams(body) };
    endpoint.calls.push(call);
    const reply = await endpoint.script(endpoint.calls.length, call);
    if (reply.cut) request.socket.destroy();
    if (reply.cut || reply.silent) return;
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.raw ?? JSON.stringify(reply.json));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint: TokenEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    calls: [],
    connections: 0,
    script,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  server.on('connection', () => endpoint.connections++);
  return endpoint;
}

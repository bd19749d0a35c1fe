// The yardstick: the leanest proxy a careful person writes by hand. Streams both ways with back-pressure, ends both sides
// when one breaks, keeps connections alive on both, drops the fields that belong to one connection, adds Authorization.
// No routes, no policy, no log, no retry.
import { createServer } from 'node:http';
import { Pool } from 'undici';
import { bearer, listenPort, upstreamOrigin } from '../setting.ts';

const pool = new Pool(upstreamOrigin(), { allowH2: false });
const dropped = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'authorization', 'expect']);

createServer((request, response) => {
  const headers: string[] = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] as string;
    if (!dropped.has(name.toLowerCase())) headers.push(name, request.rawHeaders[i + 1] as string);
  }
  headers.push('Authorization', bearer);
  const hasBody = 'content-length' in request.headers || 'transfer-encoding' in request.headers;
  pool.stream(
    { method: request.method as 'GET', path: request.url as string, headers, body: hasBody ? request : null },
    ({ statusCode, headers: answered }) => {
      const { connection, 'keep-alive': keepAlive, 'transfer-encoding': coding, ...rest } = answered;
      return response.writeHead(statusCode, rest);
    },
    (error) => {
      if (error === null) return;
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    },
  );
}).listen(listenPort(), '127.0.0.1');

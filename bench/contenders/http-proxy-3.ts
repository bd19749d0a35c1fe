import { Agent, createServer, ServerResponse } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { createProxyServer } from 'http-proxy-3';
import { bearer, listenPort, upstreamOrigin } from '../setting.ts';

const target = upstreamOrigin();
const agent = new (target.startsWith('https:') ? TlsAgent : Agent)({ keepAlive: true });
const proxy = createProxyServer({
  target,
  agent,
  changeOrigin: true,
  headers: { Authorization: bearer },
});
proxy.on('error', (_error, _request, response) => {
  if (response instanceof ServerResponse && !response.headersSent) response.writeHead(502).end();
  else response.destroy();
});

createServer((request, response) => proxy.web(request, response)).listen(listenPort(), '127.0.0.1');

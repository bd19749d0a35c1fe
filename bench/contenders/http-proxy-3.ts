import { Agent, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy-3';
import { bearer, listenPort, upstreamOrigin } from '../setting.ts';

const agent = new Agent({ keepAlive: true });
const proxy = createProxyServer({
  target: upstreamOrigin(),
  agent,
  changeOrigin: true,
  headers: { Authorization: bearer },
});

createServer((request, response) => proxy.web(request, response)).listen(listenPort(), '127.0.0.1');

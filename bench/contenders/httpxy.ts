import { createServer } from 'node:http';
import { createProxyServer } from 'httpxy';
import { bearer, listenPort, upstreamOrigin } from '../setting.ts';

// Its shared agent keeps connections alive by default.
const proxy = createProxyServer({
  target: upstreamOrigin(),
  changeOrigin: true,
  headers: { Authorization: bearer },
});

createServer((request, response) => {
  proxy.web(request, response).catch(() => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
}).listen(listenPort(), '127.0.0.1');

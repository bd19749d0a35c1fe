import { createServer } from 'node:http';
import fastProxy from 'fast-proxy';
import { bearer, listenPort, upstreamOrigin } from '../setting.ts';

const { proxy } = fastProxy({ base: upstreamOrigin(), undici: true });

createServer((request, response) => {
  proxy(request, response, request.url as string, {
    rewriteRequestHeaders: (_request, headers) => ({ ...headers, authorization: bearer }),
  });
}).listen(listenPort(), '127.0.0.1');

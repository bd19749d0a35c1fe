import replyFrom from '@fastify/reply-from';
import fastify from 'fastify';
import { bearer, listenPort, upstreamOrigin } from '../setting.ts';

const app = fastify();
// It trusts any certificate unless told otherwise.
app.register(replyFrom, { base: upstreamOrigin(), undici: { connect: { rejectUnauthorized: true } } });
app.all('/*', (request, reply) => {
  reply.from(request.url, {
    rewriteRequestHeaders: (_request, headers) => ({ ...headers, authorization: bearer }),
  });
});
await app.listen({ port: listenPort(), host: '127.0.0.1' });

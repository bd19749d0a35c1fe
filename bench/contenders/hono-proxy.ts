import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';
import { bearer, listenPort, upstreamOrigin } from '../setting.ts';

const upstream = upstreamOrigin();
const app = new Hono();
app.all('*', (c) => {
  const { pathname, search } = new URL(c.req.url);
  return proxy(`${upstream}${pathname}${search}`, {
    ...c.req,
    headers: { ...c.req.header(), Authorization: bearer },
  });
});
serve({ fetch: app.fetch, port: listenPort(), hostname: '127.0.0.1' });

import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';

export interface AdminOptions {
  /** Credentials that still have to get their first token before traffic makes sense. */
  readonly waitingFor: () => readonly string[];
  readonly draining: () => boolean;
}

/**
 * The second listener. `/livez` says that the process answers and depends on no provider; `/readyz` waits for the
 * `warm` credentials and turns away traffic while draining.
 */
export function createAdmin({ waitingFor, draining }: AdminOptions): RequestListener {
  const app = new Hono();
  app.get('/livez', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    if (draining()) return c.json({ status: 'draining' }, 503);
    const waiting = waitingFor();
    return waiting.length === 0
      ? c.json({ status: 'ok' })
      : c.json({ status: 'waiting', credentials: waiting }, 503);
  });
  app.notFound((c) => c.json({ status: 'not found', paths: ['/livez', '/readyz'] }, 404));
  return getRequestListener(app.fetch, { overrideGlobalObjects: false });
}

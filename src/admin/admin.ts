import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { LoginDesk } from '../token/login-desk.ts';
import { type ApiOptions, createApi } from './api.ts';
import { type AdminEnv, createGuards, type GuardOptions } from './guard.ts';
import { createLoginPages } from './login-pages.ts';

export interface AdminOptions {
  /** Credentials that still have to get their first token before traffic makes sense. */
  readonly waitingFor: () => readonly string[];
  readonly draining: () => boolean;
  /** What is more than a probe; absent: nothing is. */
  readonly guarded?: GuardedOptions;
}

export interface GuardedOptions extends GuardOptions {
  readonly login: LoginDesk;
  readonly api: ApiOptions;
  /** Called with an error that nobody expected. */
  readonly failed: (error: unknown) => void;
}

/**
 * The second listener. `/livez` says that the process answers and depends on no provider; `/readyz` waits for the
 * `warm` credentials and turns away traffic while draining: probes may call them from anywhere. `/login/CREDENTIAL` is
 * for a person's browser, `/api` for our own commands; both are for this machine alone, but for a login page that the
 * operator has put behind TLS.
 */
export function createAdmin({ waitingFor, draining, guarded }: AdminOptions): RequestListener {
  const app = new Hono<AdminEnv>();
  app.get('/livez', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    if (draining()) return c.json({ status: 'draining' }, 503);
    const waiting = waitingFor();
    return waiting.length === 0
      ? c.json({ status: 'ok' })
      : c.json({ status: 'waiting', credentials: waiting }, 503);
  });
  if (guarded !== undefined) {
    const guards = createGuards(guarded);
    app.route('/', createLoginPages(guarded.login, guards, guarded.failed));
    app.route('/api', createApi(guarded.api, guards, guarded.failed));
  }
  const paths = ['/livez', '/readyz', ...(guarded === undefined ? [] : ['/login/CREDENTIAL'])];
  app.notFound((c) => c.json({ status: 'not found', paths }, 404));
  return getRequestListener(app.fetch, { overrideGlobalObjects: false });
}

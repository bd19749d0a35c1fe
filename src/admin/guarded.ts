import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { LoginDesk } from '../token/login-desk.ts';
import { type ApiOptions, createApi } from './api.ts';
import { type AdminEnv, createGuards, type GuardOptions } from './guard.ts';
import { createLoginPages } from './login-pages.ts';
import { createStatusPage } from './status-page.ts';

export interface GuardedOptions extends GuardOptions {
  readonly login: LoginDesk;
  /** The status page is there when its `control` is. */
  readonly api: ApiOptions;
  /** Called with an error that nobody expected. */
  readonly failed: (error: unknown) => void;
}

/** All of the admin listener that is more than a probe, and the answer to any other path. Without options: that alone. */
export function createGuarded(options: GuardedOptions | undefined): RequestListener {
  const app = new Hono<AdminEnv>();
  if (options !== undefined) {
    const guards = createGuards(options);
    app.route('/', createLoginPages(options.login, guards, options.failed));
    const { control } = options.api;
    if (control !== undefined) app.route('/', createStatusPage({ control, failed: options.failed }, guards));
    app.route('/api', createApi(options.api, guards, options.failed));
  }
  const paths = [
    '/livez',
    '/readyz',
    ...(options === undefined ? [] : ['/', '/metrics', '/login/CREDENTIAL']),
  ];
  app.notFound((c) => c.json({ status: 'not found', paths }, 404));
  return getRequestListener(app.fetch, { overrideGlobalObjects: false });
}

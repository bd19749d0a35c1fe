import { Hono } from 'hono';
import { type ControlOptions, createControl } from './control.ts';
import type { AdminEnv, Guards } from './guard.ts';
import { problemResponse } from './problem.ts';
import { askedSubject } from './subject.ts';

export interface ApiOptions {
  /** A login elsewhere has stored a new session. May throw CupbearerError. */
  readonly restart: (credential: string, tenant: string | undefined) => void;
  /** Absent: the state is not told and nothing is revoked. */
  readonly control?: ControlOptions;
}

/** What our own commands ask of a running Cupbearer. */
export function createApi(
  { restart, control }: ApiOptions,
  guards: Guards,
  failed: (error: unknown) => void,
) {
  const app = new Hono<AdminEnv>();
  app.use('*', async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
    // So that our commands know us from whatever else may listen where they ask.
    c.header('X-Cupbearer', '1');
  });
  app.use('*', guards.api);
  app.post('/restart/:credential', (c) => {
    const { credential, tenant } = askedSubject(c);
    restart(credential, tenant);
    return c.json({ status: 'ok' });
  });
  if (control !== undefined) app.route('/', createControl(control));
  app.onError((error) => {
    const response = problemResponse(error);
    if (response.status === 500) failed(error);
    return response;
  });
  return app;
}

import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { CupbearerError, errorTable } from '../errors.ts';
import type { ControlOptions } from './control.ts';
import { smallForm } from './form.ts';
import { type FormAct, FormTokens } from './form-token.ts';
import { type AdminEnv, type Guards, isForwarded } from './guard.ts';
import { healthOf } from './health.ts';
import { Notices } from './notices.ts';
import { failedPage } from './page.ts';
import { known } from './problem.ts';
import { statusDocument, statusHeaders } from './status-frame.ts';
import { type StatusView, statusMain } from './status-view.ts';
import { askedSubject, whose } from './subject.ts';

export interface StatusPageOptions {
  readonly control: ControlOptions;
  /** Called with an error that nobody expected. */
  readonly failed: (error: unknown) => void;
}

const mostQuery = 300;
const forwarded =
  'a proxy forwards this, and the status page is for this machine alone; open it here, or through a tunnel such as ssh -L or kubectl port-forward';

/**
 * `/` shows a person how the instance is; `/status/fragment` is the part of it that gets old, for the page's own script.
 * Forms on it renew and revoke: each carries a token that only the browser it was shown to can send, and leads back.
 */
export function createStatusPage({ control, failed }: StatusPageOptions, guards: Guards) {
  const app = new Hono<AdminEnv>();
  const tokens = new FormTokens();
  const notices = new Notices(() => performance.now());
  for (const path of ['/', '/status', '/status/*']) {
    app.use(path, guards.page, async (c, next) => {
      // Whoever a proxy lets through could renew and revoke.
      if (isForwarded(c)) throw new CupbearerError('browser-refused', forwarded);
      await next();
    });
  }

  async function viewed(c: Context<AdminEnv>): Promise<StatusView> {
    const cookie = tokens.cookie(hostOf(c), getCookie(c));
    if (cookie.isNew) {
      setCookie(c, cookie.name, cookie.value, { path: '/', sameSite: 'Strict', httpOnly: true });
    }
    const [report, trends] = await Promise.all([control.status(), control.trends?.()]);
    const query = (c.req.query('q') ?? '').trim().slice(0, mostQuery);
    const forms = { token: (act: FormAct) => tokens.token(cookie, act), query };
    return { report, trends, forms, notice: notices.get(c.req.query('notice')), wall: Date.now() };
  }

  app.get('/', async (c) => {
    const view = await viewed(c);
    const document = await statusDocument(statusMain(view), healthOf(view.report));
    return c.body(document.toString(), 200, { ...statusHeaders });
  });
  app.get('/status', (c) => c.redirect('/', 308));
  app.get('/status/fragment', async (c) => {
    const main = await statusMain(await viewed(c));
    return c.body(main.toString(), 200, { ...statusHeaders });
  });

  app.post('/status/:act{renew|revoke}/:credential', guards.form, smallForm, async (c) => {
    const asked = { act: c.req.param('act') as FormAct['act'], ...askedSubject(c) };
    const form = new URLSearchParams(await c.req.text());
    if (!tokens.isOurs(form.get('token') ?? '', hostOf(c), getCookie(c), asked)) {
      throw new CupbearerError(
        'browser-refused',
        'this form was not shown to this browser by the instance that runs now; open the status page again',
      );
    }
    const notice = notices.keep(await carriedOut(asked));
    const query = form.get('q') ?? '';
    const back = new URLSearchParams({ ...(query === '' ? {} : { q: query }), notice });
    return c.body(null, 303, { ...statusHeaders, Location: `/?${back}` });
  });
  app.all('/status/:act{renew|revoke}/:credential', () => {
    throw new CupbearerError(
      'method-not-allowed',
      'a form of the status page does that; open the status page',
    );
  });

  /** What became of it. A failure that nobody expected is thrown. */
  async function carriedOut({ act, credential, tenant }: FormAct) {
    const name = whose({ credential, tenant });
    try {
      if (act === 'renew') {
        await control.renew(credential, tenant);
        return { tone: 'good', text: `The token of ${name} is renewed.` } as const;
      }
      const { revoked, deleted, unsupported, failure } = await control.revoke(credential, tenant);
      const session = deleted ? ' Its session is deleted.' : '';
      if (failure !== undefined) {
        return { tone: 'bad', text: `Not all of ${name} is revoked: ${failure.detail}.${session}` } as const;
      }
      const what = unsupported
        ? `The provider of ${name} cannot revoke tokens; the one here is forgotten.`
        : revoked === 0
          ? `There was no token of ${name} to revoke.`
          : `${revoked === 1 ? '1 token' : `${revoked} tokens`} of ${name} revoked.`;
      return { tone: 'good', text: what + session } as const;
    } catch (error) {
      if (!(error instanceof CupbearerError)) throw error;
      const what = act === 'renew' ? 'The renewal failed' : 'The revocation failed';
      return { tone: 'bad', text: `${what}: ${error.message}.` } as const;
    }
  }

  app.onError(async (error) => {
    const { code, message } = known(error);
    if (code === 'internal') failed(error);
    const { status, headers, body } = await failedPage(errorTable[code].status, message);
    return new Response(body, { status, headers });
  });
  return app;
}

/** Its Host field, of which the guard has seen that there is one. */
function hostOf(c: Context<AdminEnv>): string {
  return c.req.header('host') ?? '';
}

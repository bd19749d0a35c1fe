import { type Context, Hono } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { CupbearerError, errorTable } from '../errors.ts';
import type { LoginDesk } from '../token/login-desk.ts';
import type { LoginCookie } from '../token/login-waiting.ts';
import { smallForm } from './form.ts';
import { type AdminEnv, forwardedMessage, type Guards, isForwarded, isLoopbackHost } from './guard.ts';
import { loggedInPage, loginFailedPage, type Page, pageHeaders, startPage } from './page.ts';
import { known } from './problem.ts';
import { askedSubject, subjectPath } from './subject.ts';

const callbackPath = '/callback';

/**
 * A person logs in: `/login/CREDENTIAL[?tenant=T]` says what will happen, its button sends the browser to the provider,
 * which sends it to `/callback`. Without the button nothing starts, so no address that leads here starts a login. The
 * login belongs to the browser that started it: a cookie says which (RFC 6749 §10.12).
 */
export function createLoginPages(desk: LoginDesk, guards: Guards, failed: (error: unknown) => void) {
  const app = new Hono<AdminEnv>();
  app.use('/login/*', guards.page);
  app.use(callbackPath, guards.local);

  app.get('/login/:credential', async (c) => {
    onlyGet(c);
    const subject = askedSubject(c);
    const redirectUri = returnAddress(c, desk.redirectUri(subject));
    const { host, ticket, cookie } = await desk.offer(subject, redirectUri);
    // Strict: no form of another site brings it along.
    giveCookie(c, cookie, { path: '/login/', sameSite: 'Strict', secure: isSecure(redirectUri) });
    const page = await startPage({ subject, host, action: `/login/${subjectPath(subject)}`, ticket });
    return c.body(page.body, 200, { ...page.headers });
  });

  app.post('/login/:credential', smallForm, async (c) => {
    const ticket = new URLSearchParams(await c.req.text()).get('ticket') ?? undefined;
    const { url, redirectUri, cookie } = await desk.start(ticket, getCookie(c));
    // Lax: the provider's redirect brings it back, a form or a frame of another site does not.
    giveCookie(c, cookie, { path: callbackPath, sameSite: 'Lax', secure: isSecure(redirectUri) });
    for (const [name, value] of Object.entries(pageHeaders)) c.header(name, value);
    return c.redirect(url, 303);
  });

  app.get(callbackPath, async (c) => {
    onlyGet(c);
    // Raw: codes hold what a decoder would change.
    const [, query = ''] = /\?(.*)$/s.exec(c.env.incoming.url ?? '') ?? [];
    return pageResponse(await loggedInPage(await desk.finish(query, getCookie(c))));
  });

  app.onError(async (error) => {
    const { code, message } = known(error);
    if (code === 'internal') failed(error);
    return pageResponse(await loginFailedPage(errorTable[code].status, message));
  });
  return app;
}

/** HEAD takes the same way through Hono, and must not spend a code. */
function onlyGet(c: Context<AdminEnv>): void {
  if (c.req.method !== 'GET') throw new CupbearerError('method-not-allowed', 'only GET is served here');
}

/**
 * Where the provider sends the browser: the configured address when it leads here, else the loopback address that the
 * browser uses now. Only under the same name does the browser bring the cookie. Through a proxy, which makes everybody
 * look as if on this machine, only the https address that the operator wrote for that. Throws `login-refused`,
 * `browser-refused`.
 */
function returnAddress(c: Context<AdminEnv>, configured: string | undefined): string {
  const host = c.env.incoming.headers.host ?? '';
  const isLoopback = isLoopbackHost(host);
  const here = `http://${host}${callbackPath}`;
  if (isForwarded(c) && !configured?.startsWith('https:')) {
    throw new CupbearerError('browser-refused', forwardedMessage);
  }
  if (configured === undefined) {
    if (isLoopback) return here;
    throw refused(`no provider sends a browser to ${host} unasked: write redirect_uri in the credential`);
  }
  const url = URL.canParse(configured) ? new URL(configured) : undefined;
  if (url?.pathname !== callbackPath) {
    throw refused("the credential's redirect_uri does not lead here; use: cupbearer login --paste");
  }
  if (url.host === new URL(`${url.protocol}//${host}`).host) return configured;
  // RFC 8252 §7.3: a loopback address without a port stands for any port.
  const anyPort = `http://${host.replace(/:\d+$/, '')}${callbackPath}`;
  if (isLoopback && configured === anyPort) return here;
  throw refused(`open this page under ${url.origin}, where the credential's redirect_uri leads`);
}

function refused(message: string): CupbearerError {
  return new CupbearerError('login-refused', message);
}

interface CookieScope {
  readonly path: string;
  readonly sameSite: 'Strict' | 'Lax';
  readonly secure: boolean;
}

function giveCookie(c: Context<AdminEnv>, { name, value, maxAgeMs }: LoginCookie, scope: CookieScope): void {
  setCookie(c, name, value, { ...scope, httpOnly: true, maxAge: maxAgeMs / 1_000 });
}

function isSecure(redirectUri: string): boolean {
  return redirectUri.startsWith('https:');
}

function pageResponse({ status, headers, body }: Page): Response {
  return new Response(body, { status, headers });
}

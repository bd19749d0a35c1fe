import { createInterface } from 'node:readline';
import { loggedInPage, loginFailedPage } from '../admin/page.ts';
import { CupbearerError, errorTable } from '../errors.ts';
import { finishLogin, type PendingLogin, startLogin } from '../token/login.ts';
import { readCallback, whyEnded } from '../token/login-callback.ts';
import type { LoggedIn, LoginTarget } from '../token/login-session.ts';
import { type CallbackReply, isLoopbackUri, listenForRedirect, namedPort } from './loopback.ts';

export interface BrowserLogin {
  readonly target: LoginTarget;
  /** Undefined: any free one. */
  readonly port: number | undefined;
  /** The person copies the address instead of the browser coming back to us. */
  readonly paste: boolean;
  /** Ends the waiting for the person. What has begun after that is not cut. */
  readonly signal: AbortSignal;
  /** Shows the person where to log in, and what happens then. */
  readonly show: (url: string, then: string) => void;
  /** Tells the person something else. */
  readonly say: (text: string) => void;
  readonly input: NodeJS.ReadableStream;
}

/** Logs a person in with a browser on this machine, or on any when `paste`. Throws `usage`, `login-refused`, `login-failed`. */
export async function loginWithBrowser(login: BrowserLogin): Promise<LoggedIn> {
  const { redirect_uri } = login.target.config;
  const comesBack = redirect_uri === undefined || isLoopbackUri(redirect_uri);
  if (login.paste || !comesBack) return pasted(login);
  const named = redirect_uri === undefined ? undefined : namedPort(redirect_uri);
  if (login.port !== undefined && named !== undefined && named !== login.port) {
    throw new CupbearerError('usage', `--port: the credential's redirect_uri names port ${named}`);
  }
  return comingBack(login);
}

async function comingBack({ target, port = 0, signal, show }: BrowserLogin): Promise<LoggedIn> {
  let pending: PendingLogin | undefined;
  const answer = async (query: string): Promise<CallbackReply<LoggedIn>> => {
    const told = pending && readCallback(query, pending);
    if (pending === undefined || told === undefined) {
      return { page: await loginFailedPage(400, 'this login is being finished, or has not been started') };
    }
    if (told.kind === 'foreign') return { page: await loginFailedPage(400, told.message) };
    // From here on it is spent: a second redirect with the same state is not answered with a second exchange.
    const mine = pending;
    pending = undefined;
    try {
      if (told.kind === 'refused') throw new CupbearerError('login-refused', told.message);
      const done = await finishLogin(target, mine, told.code);
      return { page: await loggedInPage(done), end: { value: done } };
    } catch (error) {
      if (!(error instanceof CupbearerError)) throw error;
      return { page: await loginFailedPage(errorTable[error.code].status, error.message), end: { error } };
    }
  };
  const loopback = await listenForRedirect({ redirectUri: target.config.redirect_uri, port, answer });
  try {
    const started = startLogin(target, loopback.redirectUri);
    pending = started.pending;
    show(started.url, `Waiting for the browser to come back to ${loopback.redirectUri}`);
    // A code that has come is spent to the end.
    return await untilAborted(loopback.ended, signal, () => pending !== undefined);
  } finally {
    await loopback.close();
  }
}

const mostPastes = 3;

async function pasted({ target, signal, show, say, input }: BrowserLogin): Promise<LoggedIn> {
  const redirectUri = target.config.redirect_uri ?? 'http://127.0.0.1/callback';
  const { url, pending } = startLogin(target, redirectUri);
  show(url, `Then paste here the whole address that the browser ended at; it begins with ${redirectUri}`);
  const lines = createInterface({ input });
  try {
    const code = await untilAborted(pastedCode(lines, pending, say), signal);
    return await finishLogin(target, pending, code);
  } finally {
    lines.close();
  }
}

/** The code of the first address that brings one; after three others, or a refusal of the provider, rejects. */
async function pastedCode(
  lines: AsyncIterable<string>,
  pending: PendingLogin,
  say: BrowserLogin['say'],
): Promise<string> {
  let left = mostPastes;
  for await (const line of lines) {
    const [, query = ''] = /^[^?]*\?([^#]*)/.exec(line.trim()) ?? [];
    const told = query === '' ? notAnAddress : readCallback(query, pending);
    if (told.kind === 'code') return told.code;
    const isOver = told.kind === 'refused' && new URLSearchParams(query).has('error');
    if (isOver || --left === 0) throw refused(told.message);
    say(`That did not work: ${told.message}. Paste it again\n`);
  }
  throw refused('standard input ended before the address was pasted');
}

const notAnAddress = {
  kind: 'foreign',
  message: 'that is not the address that the browser ended at: it has no ?',
} as const;

async function untilAborted<T>(result: Promise<T>, signal: AbortSignal, isWaiting = () => true): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => {
    if (isWaiting()) aborted.reject(whyEnded(signal, 'nobody has logged in in time; start it again'));
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    if (signal.aborted) abort();
    return await Promise.race([result, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function refused(message: string): CupbearerError {
  return new CupbearerError('login-refused', message);
}

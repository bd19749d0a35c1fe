import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { Subject } from '../token/events.ts';
import type { Html } from './shapes.ts';
import { whose } from './subject.ts';

/** One of our own pages, ready to be written. */
export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;overflow-wrap:anywhere}' +
  '.bad h1{color:#a00}';

/** A text that a page holds, as its Content-Security-Policy names it. */
export function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

const policyOf = (...more: readonly string[]) =>
  [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    "base-uri 'none'",
    ...more,
    "frame-ancestors 'none'",
  ].join('; ');

/** No script, nothing from elsewhere, no frames, no cache, no Referer: the address of a callback holds a code. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': policyOf("form-action 'none'"),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/**
 * Of a page with a form. There is no form-action: Chromium applies it to the redirects after the form too, which leave
 * for the provider and lead wherever that wants. Without a Referer at all the form's Origin would be `null`.
 */
const formHeaders: Readonly<Record<string, string>> = {
  ...pageHeaders,
  'Content-Security-Policy': policyOf(),
  'Referrer-Policy': 'same-origin',
};

/** A page that says one thing. Texts are escaped. */
async function renderPage(
  status: number,
  title: string,
  lines: readonly string[],
  { more, headers }: { more?: Html; headers: Page['headers'] } = { headers: pageHeaders },
): Promise<Page> {
  const body = await html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${raw(style)}</style></head>
<body class="${status < 400 ? 'good' : 'bad'}"><h1>${title}</h1>
${lines.map((line) => html`<p>${line}</p>\n`)}${more ?? ''}</body>
</html>
`;
  const type = { 'Content-Type': 'text/html; charset=utf-8' };
  return { status, headers: { ...headers, ...type }, body: body.toString() };
}

export interface StartOffer {
  readonly subject: Subject;
  /** Of the provider's login page. */
  readonly host: string;
  /** Path and query that the form is sent to. */
  readonly action: string;
  /** What the form carries. */
  readonly ticket: string;
}

/** Says what a login will be, with one button that starts it. */
export function startPage({ subject, host, action, ticket }: StartOffer): Promise<Page> {
  return renderPage(
    200,
    'Log in?',
    [
      `Cupbearer will store a new session of credential ${whose(subject)}, in place of the one it may have.`,
      `You log in at ${host}. Whatever that account may do, the callers of this Cupbearer may do.`,
      'If you did not open this page yourself, close this window.',
    ],
    {
      headers: formHeaders,
      more: html`<form method="post" action="${action}">
<input type="hidden" name="ticket" value="${ticket}">
<button>Continue to ${host}</button>
</form>
`,
    },
  );
}

/** Says that a login has succeeded. */
export function loggedInPage(subject: Subject): Promise<Page> {
  return renderPage(200, 'You are logged in', [
    `Cupbearer has stored the session of credential ${whose(subject)}.`,
    'You can close this window.',
  ]);
}

/** Says why something on the status page was refused. */
export function failedPage(status: number, why: string): Promise<Page> {
  const back = html`<p><a href="/">Back to the status page</a></p>\n`;
  return renderPage(status, 'That was refused', [sentenceOf(why)], { more: back, headers: pageHeaders });
}

/** Says why a login has not succeeded. */
export function loginFailedPage(status: number, why: string): Promise<Page> {
  return renderPage(status, 'The login did not work', [sentenceOf(why), 'You can close this window.']);
}

function sentenceOf(why: string): string {
  return `${why.charAt(0).toUpperCase()}${why.slice(1)}${/[.!?…]$/.test(why) ? '' : '.'}`;
}

import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import type { Answer } from './message.ts';

/** What every form of a login needs. */
export interface Form {
  /** Name of the vendor. */
  readonly vendor: string;
  /** Path the form is sent to. */
  readonly action: string;
  /** Random, good for one sending: the form stands for one pending login alone. */
  readonly ticket: string;
  /** What was wrong with the form before. */
  readonly error?: string | undefined;
}

/** What a person is asked after the password. */
export interface Question {
  readonly title: string;
  readonly lines: readonly string[];
  /** One of these must be picked. */
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
}

const style =
  'body{font:16px/1.5 system-ui;max-width:24rem;margin:4rem auto;padding:0 1rem}' +
  'label,p,button{display:block;margin:.5rem 0}input:not([type=radio]){display:block;width:100%}' +
  'button{display:inline-block;margin-right:1rem}.error{color:#a00}';

/**
 * No script, nothing from elsewhere, no frames, no cache, no Referer. There is no form-action: Chromium applies it to
 * the redirect after the form too, which is meant to leave this site.
 */
const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'`,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

type Html = ReturnType<typeof html>;

/** Asks for user name and password. */
export function passwordPage(form: Form): Promise<Answer> {
  const fields = html`<label>User name <input name="username" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>`;
  return page(
    form.error === undefined ? 200 : 401,
    `Log in to ${form.vendor}`,
    formOf(form, 'Log in', fields),
  );
}

/** Asks whether the app may, and where there is a choice, what. */
export function questionPage(form: Form, { title, lines, choices = [] }: Question): Promise<Answer> {
  const fields = html`${lines.map((line) => html`<p>${line}</p>`)}
${choices.map(({ value, label }) => html`<label><input type="radio" name="choice" value="${value}" required> ${label}</label>`)}`;
  return page(form.error === undefined ? 200 : 400, title, formOf(form, 'Allow', fields));
}

/** Says what is wrong, to the person and not to the app: where to redirect to cannot be trusted. */
export function errorPage(status: number, title: string, message: string): Promise<Answer> {
  return page(status, title, html`<p class="error">${message}</p>`);
}

function formOf({ action, ticket, error }: Form, submit: string, fields: Html): Html {
  return html`${error === undefined ? '' : html`<p class="error">${error}</p>`}
<form method="post" action="${action}">
<input type="hidden" name="ticket" value="${ticket}">
${fields}
<button name="action" value="continue">${submit}</button>
<button name="action" value="cancel" formnovalidate>Cancel</button>
</form>`;
}

async function page(status: number, title: string, content: Html): Promise<Answer> {
  const text = await html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${title}</title><style>${raw(style)}</style></head>
<body><h1>${title}</h1>
${content}
</body>
</html>
`;
  return { status, headers, html: text.toString() };
}

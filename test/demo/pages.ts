import { createHash } from 'node:crypto';
import { fetch, type RequestInit, type Response } from 'undici';

/** A page as a browser without scripts sees it. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Response['headers'];
  readonly text: string;
  /** Where it redirects to. */
  readonly location: URL | undefined;
}

export function open(url: string): Promise<Page> {
  return load(url, {});
}

/** Sends the page's form with its hidden fields, these, and the button pressed. */
export function submit(
  page: Page,
  fields: Record<string, string>,
  button: 'continue' | 'cancel' = 'continue',
): Promise<Page> {
  const action = /<form method="post" action="([^"]*)"/.exec(page.text)?.[1];
  if (action === undefined) throw new Error(`no form on ${page.url}: ${page.status} ${page.text}`);
  const body = new URLSearchParams({ ...hidden(page), ...fields, action: button });
  return load(new URL(action, page.url).href, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: body.toString(),
  });
}

export function hidden({ text }: Page): Record<string, string> {
  const fields = text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]));
}

export const passwordOf = ({ name, password }: { name: string; password: string }) => ({
  username: name,
  password,
});

/** The parameters a page sends back to the app. */
export function answerOf({ location }: Page): Record<string, string> {
  return Object.fromEntries(location?.searchParams ?? []);
}

export const verifier = 'verifier-of-forty-three-characters-or-more-';
export const challenge = createHash('sha256').update(verifier).digest('base64url');

async function load(url: string, init: RequestInit): Promise<Page> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  const location = response.headers.get('location');
  return {
    url,
    status: response.status,
    headers: response.headers,
    text: await response.text(),
    location: location === null ? undefined : new URL(location, url),
  };
}

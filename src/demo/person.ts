import { fetch, type RequestInit } from 'undici';
import { CupbearerError } from '../errors.ts';

/** Where a walk ended. */
export interface Arrival {
  readonly url: string;
  readonly status: number;
  readonly text: string;
  /** The addresses on the way, without their queries. */
  readonly way: readonly string[];
}

const mostPages = 20;

/**
 * A person at a browser: opens an address, follows redirects, keeps cookies, and fills in and sends every form that
 * comes, until there is a page without one. Throws `internal` when that never ends.
 */
export async function walk(start: string, answers: Readonly<Record<string, string>>): Promise<Arrival> {
  const cookies = new Map<string, string>();
  const way: string[] = [];
  let url = start;
  let init: RequestInit = {};
  for (let page = 0; page < mostPages; page++) {
    const { origin, pathname } = new URL(url);
    way.push(`${origin}${pathname}`);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string>), ...(cookie === '' ? {} : { cookie }) };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const text = await response.text();
    const location = response.headers.get('location');
    const next =
      location === null ? formOf(url, text, answers) : { url: new URL(location, url).href, init: {} };
    if (next === undefined) return { url, status: response.status, text, way };
    ({ url, init } = next);
  }
  throw new CupbearerError('internal', `the walk from ${new URL(start).origin} did not end`);
}

/** The page's form, filled in. */
function formOf(
  url: string,
  text: string,
  answers: Readonly<Record<string, string>>,
): { url: string; init: RequestInit } | undefined {
  const action = /<form method="post" action="([^"]*)"/.exec(text)?.[1];
  if (action === undefined) return undefined;
  const hidden = text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
  const fields = Object.fromEntries([...hidden].map(([, name = '', value = '']) => [name, value]));
  const body = new URLSearchParams({ ...fields, ...answers, action: 'continue' }).toString();
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return { url: new URL(action, url).href, init: { method: 'POST', headers, body } };
}

import { fetch, type Response } from 'undici';

export interface Answered {
  readonly status: number;
  readonly headers: Response['headers'];
  readonly json: Record<string, unknown>;
}

/** Sends a JSON body, under another media type when given. */
export function postJson(
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const all = { 'Content-Type': 'application/json', ...headers };
  return call(url, { method: 'POST', headers: all, body: JSON.stringify(body) });
}

/** Sends a form. */
export function postForm(
  url: string,
  params: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const all = { 'Content-Type': 'application/x-www-form-urlencoded', ...headers };
  return call(url, { method: 'POST', headers: all, body: new URLSearchParams(params).toString() });
}

export function get(url: string, headers: Record<string, string> = {}): Promise<Answered> {
  return call(url, { headers });
}

export function basic(id: string | undefined, secret: string | undefined): { Authorization: string } {
  return { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

async function call(url: string, init: Parameters<typeof fetch>[1]): Promise<Answered> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text === '' ? {} : JSON.parse(text) };
}

import { CupbearerError } from '../errors.ts';
import type { Params } from './params.ts';
import type { TokenRequest } from './provider.ts';

/** Media type of a body. */
export const mediaTypes = {
  form: 'application/x-www-form-urlencoded',
  json: 'application/json',
} as const;

/** RFC 6749 §2.3.1, or RFC 7617 alone when raw; UTF-8 both. */
export function basic(id: string, secret: string, encoding: TokenRequest['basic_encoding']): string {
  const encode =
    encoding === 'rfc6749' ? (text: string) => new URLSearchParams([['', text]]).toString().slice(1) : String;
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`, 'utf8').toString('base64')}`;
}

export function jsonEncode(params: Params): string {
  return JSON.stringify(Object.fromEntries(params));
}

/**
 * application/x-www-form-urlencoded; a list repeats its name (RFC 8707 §2). Throws `configuration-invalid` for an
 * object, naming the parameter after `where`.
 */
export function formEncode(params: Params, where: string): string {
  const form = new URLSearchParams();
  for (const [name, value] of params) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === 'object' && item !== null) {
        throw new CupbearerError(
          'configuration-invalid',
          `${where}: parameter ${name} is an object, which takes encoding: json`,
        );
      }
      if (item !== null) form.append(name, String(item));
    }
  }
  return form.toString();
}

/** The URL with a form-encoded query behind the one it has. */
export function withQuery(url: string, query: string): string {
  if (query === '') return url;
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}

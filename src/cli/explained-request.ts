import type { Config, Route } from '../config/config.ts';
import { suggestion } from '../config/suggest.ts';
import { CupbearerError } from '../errors.ts';
import { callerFields } from '../gateway/caller.ts';
import { createRouteTable } from '../gateway/routes.ts';

/** A request to be explained, as a command line gives it. */
export interface RequestToExplain {
  /** Upper case. */
  readonly method: string;
  /** A path, or a whole URL. */
  readonly url: string;
  /** `Name: value`, in order. */
  readonly headers?: readonly string[];
  /** A key of callers, whose key is presented. */
  readonly caller?: string | undefined;
  /** Callers are looked at although no key is presented. */
  readonly noKey?: boolean;
  /** Bytes of the body. */
  readonly bodySize?: number | undefined;
  /** It asks for a WebSocket. */
  readonly upgrade?: boolean;
}

/** The head of that request as a client would send it, nothing normalised. Holds a secret when a key is presented. */
export interface RequestHeadText {
  readonly target: string;
  /** [name, value], Host first unless it was given. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Whether it says who calls, with a key or by having none on purpose. */
  readonly tellsCaller: boolean;
  /** Whether it says for which tenant, if its route has tenants; when it does not, one is put in. */
  readonly tellsTenant: boolean;
  readonly bytes: Buffer;
}

/** Throws `usage` for what no request can have: a field that is none, a caller nobody knows. */
export function requestHead(config: Config, request: RequestToExplain): RequestHeadText {
  const { method, url, headers = [], caller, noKey = false, bodySize, upgrade = false } = request;
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  const target = authority === undefined ? url : rest.startsWith('/') ? rest : `/${rest}`;
  const given = headers.map(readField);
  const route = routeOf(config, target);
  const tenant = route && config.credentials[route.credential]?.tenant?.header;
  const has = (name: string) => given.some(([one]) => one.toLowerCase() === name);
  const presents = callerFields.some(has);
  if (caller !== undefined && (presents || noKey))
    throw new CupbearerError(
      'usage',
      '--caller presents a key; leave out --no-key and a --header with another',
    );
  const fields: (readonly [string, string])[] = [
    ...(has('host') ? [] : [['Host', authority ?? 'localhost'] as const]),
    ...given,
    ...(caller === undefined ? [] : [['X-Api-Key', keyOf(config, caller)] as const]),
    ...(tenant === undefined || has(tenant.toLowerCase()) ? [] : [[tenant, 'any'] as const]),
    ...(upgrade
      ? [
          ['Connection', 'Upgrade'] as const,
          ['Upgrade', 'websocket'] as const,
          ['Sec-WebSocket-Version', '13'] as const,
          ['Sec-WebSocket-Key', Buffer.alloc(16).toString('base64')] as const,
        ]
      : []),
    ...(bodySize === undefined ? [] : [['Content-Length', String(bodySize)] as const]),
  ];
  const lines = [`${method} ${target} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  return {
    target,
    fields,
    tellsCaller: caller !== undefined || presents || noKey,
    tellsTenant: tenant === undefined || has(tenant.toLowerCase()),
    bytes: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`),
  };
}

function readField(text: string): readonly [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon < 1 || /[\r\n\0]/.test(text))
    throw new CupbearerError('usage', "a --header is 'Name: value' in one line");
  return [text.slice(0, colon), text.slice(colon + 1).trim()];
}

function keyOf({ callers }: Config, name: string): string {
  const key = Object.hasOwn(callers, name) ? [callers[name]?.key ?? []].flat()[0] : undefined;
  if (key !== undefined) return key.reveal();
  const hint = suggestion(name, Object.keys(callers));
  throw new CupbearerError('usage', `there is no caller ${JSON.stringify(name)}${hint}`);
}

/** The value of the first field of a name (lower case). */
export function fieldOf({ fields }: RequestHeadText, name: string): string | undefined {
  return fields.find(([one]) => one.toLowerCase() === name)?.[1];
}

/** The route that a target takes, whether or not it may. */
export function routeOf(config: Config, target: string): Route | undefined {
  const [path = ''] = target.split('?', 1);
  return createRouteTable(config.routes).match(path)?.route;
}

import * as v from 'valibot';
import { Secret } from './secret.ts';
import { durationPattern, parseDuration, parseSize, sizePattern } from './units.ts';

/** Where a listener binds. */
export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** The schema with a sentence for the documentation and the JSON Schema. */
export function describe<S extends v.GenericSchema>(
  schema: S,
  sentence: string,
): v.SchemaWithPipe<readonly [S, v.DescriptionAction<v.InferOutput<S>, string>]> {
  return v.pipe(schema, v.description(sentence));
}

export const text = v.pipe(v.string(), v.minLength(1, 'must not be empty'));

export const nameKey = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'a name is letters, digits, dots, hyphens and underscores'),
);

/** RFC 7519 §4. */
export const claim = v.union([v.string(), v.number(), v.boolean(), v.array(v.string())]);

export const secret = v.pipe(
  v.string(),
  v.minLength(1, 'must not be empty'),
  v.transform((value) => new Secret(value)),
);

const isDuration = v.regex<string, string>(
  durationPattern,
  'a duration is a number and ms, s, m, h or d: 30s',
);
const toMs = v.transform((value: string) => parseDuration(value) ?? Number.NaN);

/** Milliseconds. */
export const duration = v.pipe(
  v.string(),
  isDuration,
  toMs,
  v.check((ms) => !Number.isNaN(ms), 'this duration is too long to count'),
);

/** The longest that a timer of Node waits is 2^31 − 1 ms; one that is set for longer ends at once. */
const fitsTimer = v.check<number, string>((ms) => ms <= 2 ** 31 - 1, 'this may be at most 24d');

/** Milliseconds that one timer can wait; 0 is not at all. */
export const wait = v.pipe(v.string(), isDuration, toMs, fitsTimer);

/** Milliseconds that one timer can wait, more than 0. */
export const timeLimit = v.pipe(
  v.string(),
  isDuration,
  toMs,
  v.check((ms) => ms !== 0, 'a time limit must be more than 0'),
  fitsTimer,
);

/** Bytes. */
export const size = v.pipe(
  v.string(),
  v.regex(sizePattern, 'a size is a number and B, KiB, MiB or GiB: 64KiB'),
  v.transform((value) => parseSize(value) ?? Number.NaN),
  v.check((bytes) => !Number.isNaN(bytes), 'this size is too large to count'),
);

export const schemeless = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9.-]+$|^\[[0-9A-Fa-f:.]+\]$/, 'a host is a name or address without scheme and port'),
  v.toLowerCase(),
);

const addressPattern = /^(?:unix:(\/.+)|([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5}))$/;

export const address = v.pipe(
  v.string(),
  v.regex(addressPattern, 'an address is host:port or unix:/path'),
  v.check(
    (value) => value.startsWith('unix:') || Number(/\d+$/.exec(value)) <= 65_535,
    'a port is at most 65535',
  ),
  v.transform(toAddress),
);

function toAddress(value: string): Address {
  const [, path, host = '', port = ''] = addressPattern.exec(value) ?? [];
  if (path !== undefined) return { kind: 'unix', path };
  return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Where sessions live. The path of an SQLite file is absolute in a Config; the URL of Redis may hold a password. */
export type StoreAddress =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: Secret };

const storeForms = 'a store is memory:, sqlite:/path, redis://host:6379/0 or rediss://…';

export const storeUrl = v.pipe(
  v.string(),
  v.regex(/^(?:memory:|sqlite:(?:\/\/)?[^\s?#]*[^\s?#/]|rediss?:\/\/\S+)$/, storeForms),
  v.check(
    (value) => !/^rediss?:\/\//.test(value) || URL.canParse(value),
    'this is not a URL; percent-encode what is special in the password',
  ),
  v.transform(toStoreAddress),
);

/** 32 bytes in base64 or base64url. */
export const storeKey = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9+/_-]{43}=?$/,
    'a store key is 32 bytes in base64; make one with `openssl rand -base64 32`',
  ),
  v.transform((value) => new Secret(value)),
);

function toStoreAddress(value: string): StoreAddress {
  if (value === 'memory:') return { kind: 'memory' };
  const sqlite = /^sqlite:(?:\/\/)?(.+)$/.exec(value)?.[1];
  return sqlite === undefined ? { kind: 'redis', url: new Secret(value) } : { kind: 'sqlite', path: sqlite };
}

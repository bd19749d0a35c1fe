import type { SessionKey } from './session.ts';

/** A session's name in a store: `credential` or `credential:tenant`, each percent-encoded. No two keys share a name. */
export function nameOf({ credential, tenant }: SessionKey): string {
  return tenant === undefined ? encode(credential) : `${encode(credential)}:${encode(tenant)}`;
}

/** The key that has this name; undefined when no key has. */
export function keyOf(name: string): SessionKey | undefined {
  const [credential = '', tenant, ...more] = name.split(':');
  try {
    const key = { credential: decode(credential), ...(tenant !== undefined && { tenant: decode(tenant) }) };
    return more.length === 0 && nameOf(key) === name ? key : undefined;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** For messages: whose session it is. */
export function sessionOf({ credential, tenant }: SessionKey): string {
  const whose = `the session of credential ${JSON.stringify(credential)}`;
  return tenant === undefined ? whose : `${whose}, tenant ${JSON.stringify(tenant)}`;
}

/** Like encodeURIComponent, with `%uD800` for half of a surrogate pair, which has no UTF-8. */
function encode(text: string): string {
  return text.replace(/\p{Cs}|\P{Cs}+/gu, (part) =>
    part.isWellFormed() ? encodeURIComponent(part) : `%u${part.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decode(text: string): string {
  const [first = '', ...rest] = text.split('%u');
  const decoded = rest.map(
    (part) => String.fromCharCode(Number.parseInt(part.slice(0, 4), 16)) + decodeURIComponent(part.slice(4)),
  );
  return decodeURIComponent(first) + decoded.join('');
}

import { render } from '../provider/template.ts';
import { isLinkLocal, isMappedIpv4 } from './reach.ts';

/** A URL found safe to send credentials to, taken apart. */
export interface SafeUrl {
  readonly ok: true;
  readonly secure: boolean;
  /** `https://host[:port]`, lower case. */
  readonly origin: string;
  /** `host[:port]`. */
  readonly host: string;
  /** Without port; IPv6 in brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Empty, or starts with a slash and does not end in one. */
  readonly path: string;
  /** The whole URL as written, its origin normalised. */
  readonly href: string;
}

export interface UnsafeUrl {
  readonly ok: false;
  /** What is wrong and what would be right, without the URL. */
  readonly message: string;
  /** It may hold a secret: userinfo, query or fragment. */
  readonly hide: boolean;
}

/** Whether the text is a URL with a scheme, not a path. */
export function isAbsoluteUrl(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text);
}

/** A path laid under a base URL as it is: `https://a.example/v1` and `/x` give `https://a.example/v1/x`. */
export function joinUrl(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path.replace(/^\//, '')}`;
}

/**
 * Takes a base URL apart and refuses what two parsers could read differently or what could carry a credential
 * elsewhere. A token endpoint may have a `query` (RFC 6749 §3.2), and {placeholders} in it and in its path when it is a
 * `template`; `path` and `href` keep them.
 */
export function readUrl(
  text: string,
  { query = false, template = false }: { query?: boolean; template?: boolean } = {},
): SafeUrl | UnsafeUrl {
  const fault = textFault(text, query);
  if (fault !== undefined) return refuse(text, fault);
  if (!URL.canParse(text)) return refuse(text, 'this is not a URL; write https://host/path');
  const url = new URL(text);
  const [, raw = '', search = ''] = /^[a-z]+:\/\/[^/?]*([^?]*)(.*)$/i.exec(text) ?? [];
  const wrong = hostFault(url, text) ?? pathFault(template ? render(raw, () => 'x') : raw);
  if (wrong !== undefined) return refuse(text, wrong);
  const secure = url.protocol === 'https:';
  return {
    ok: true,
    secure,
    origin: url.origin,
    host: url.host,
    hostname: url.hostname,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    path: raw.replace(/\/$/, ''),
    href: `${url.origin}${raw === '' ? '/' : raw}${search}`,
  };
}

function textFault(text: string, query: boolean): string | undefined {
  if (/[\s\p{C}]/u.test(text)) return 'a URL has no spaces and no control characters; percent-encode them';
  if (text.includes('\\')) return 'a URL has no backslash; write /';
  if (!/^https?:/i.test(text)) return 'only http:// and https:// URLs are supported';
  if (!/^https?:\/\//i.test(text)) return 'two slashes must follow the scheme; write https://host/path';
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(text)?.[1] ?? '';
  if (authority === '') return 'the URL has no host; write https://host/path';
  if (authority.includes('@'))
    return 'a URL here has no user and password; credentials belong under credentials:';
  if (/[{}]/.test(authority)) return 'the host has a brace; write the host itself, without a placeholder';
  if (text.includes('#')) return 'a URL here has no fragment; remove # and what follows';
  if (!query && text.includes('?')) return 'a base URL has no query; remove ? and what follows';
  return undefined;
}

function hostFault({ hostname }: URL, text: string): string | undefined {
  const written = /^[a-z]+:\/\/(\[[^\]]*\]|[^:/?#]*)/i.exec(text)?.[1]?.toLowerCase();
  if (hostname.endsWith('.')) return 'the host must not end in a dot; remove it';
  if (isMappedIpv4(hostname)) return 'the host is an IPv4 address written as IPv6; write the IPv4 address';
  if (isLinkLocal(hostname))
    return 'the host is a link-local or metadata address; a credential never goes there';
  // 0x7f.1, 2130706433, %61pi.example, names beyond ASCII: not every parser reads them alike.
  if (written !== hostname) return `the host is written in an uncommon way; write ${hostname}`;
  return undefined;
}

/** RFC 3986 §3.3; empty segments and dot segments, also encoded, are read differently by different servers. */
function pathFault(path: string): string | undefined {
  if (path.includes('//')) return 'the path has an empty segment (//); write single slashes';
  if (!/^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/.test(path)) {
    return 'the path has a character that must be percent-encoded (RFC 3986 §3.3)';
  }
  if (/%(?:25|2f|5c|[01][0-9a-f]|7f)/i.test(path))
    return 'the path has an encoded slash, backslash, percent or control character';
  if (/(?:^|\/)(?:\.|%2e){1,2}(?:[;/]|$)/i.test(path))
    return 'the path has a dot segment; write the path it means';
  return undefined;
}

function refuse(text: string, message: string): UnsafeUrl {
  return { ok: false, message, hide: /[?#@]/.test(text) };
}

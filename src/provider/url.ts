import { CupbearerError } from '../errors.ts';
import { type Lookup, missing } from './params.ts';
import type { Provider } from './provider.ts';
import { render } from './template.ts';

/**
 * The absolute URL of one of the provider's endpoints: `url` itself, or the place under base_url, whose path is kept
 * (`https://api.example/v1` and `/auth/token` give `https://api.example/v1/auth/token`). {placeholders} in path and
 * query are filled percent-encoded.
 * Throws `configuration-invalid` when there is no base_url to lie under, a placeholder has no value, or the result is no
 * http(s) URL without userinfo and fragment; `token-refused` when a value would make a dot segment.
 */
export function endpointUrl(
  provider: Pick<Provider, 'name' | 'base_url'>,
  url: string,
  lookup: Lookup = () => undefined,
): string {
  const isAbsolute = /^[A-Za-z][A-Za-z0-9+.-]*:/.test(url);
  if (!isAbsolute && provider.base_url === undefined) {
    throw new CupbearerError(
      'configuration-invalid',
      `provider "${provider.name}" has no public address: give base_url in the credential or the provider`,
    );
  }
  const text = isAbsolute ? url : `${provider.base_url?.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
  const [, origin = '', rest = ''] = /^([^/]*\/\/[^/?#]*)?(.*)$/s.exec(text) ?? [];
  const whole = origin + fill(rest, lookup, provider.name);
  const parsed = URL.canParse(whole) ? new URL(whole) : undefined;
  const isHttp = parsed?.protocol === 'https:' || parsed?.protocol === 'http:';
  const isPlain = parsed?.username === '' && parsed.password === '' && !/[{}]/.test(origin);
  if (!parsed || !isHttp || !isPlain || whole.includes('#')) {
    throw new CupbearerError(
      'configuration-invalid',
      `provider "${provider.name}": base_url and url must make an http(s) URL without userinfo and fragment`,
    );
  }
  return parsed.href;
}

function fill(rest: string, lookup: Lookup, provider: string): string {
  const filled = render(rest, (name) =>
    encodeURIComponent((lookup(name) || missing(name, `provider "${provider}": a URL`)).toWellFormed()),
  );
  // Nothing percent-encodes a dot, and a URL parser takes the segment above away (RFC 3986 §5.2.4).
  if (filled !== rest && /(?:^|\/)(?:\.|%2e){1,2}(?:[/?]|$)/i.test(filled.replace(/\?.*$/s, ''))) {
    throw new CupbearerError('token-refused', `provider "${provider}": a value makes a dot segment in a URL`);
  }
  return filled;
}

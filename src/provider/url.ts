import { CupbearerError } from '../errors.ts';
import type { Provider } from './provider.ts';

/**
 * The absolute URL of one of the provider's endpoints: `url` itself, or the place under base_url, whose path is kept
 * (`https://api.example/v1` and `/auth/token` give `https://api.example/v1/auth/token`).
 * Throws `configuration-invalid` when there is no base_url to lie under, or the result is no http(s) URL without
 * userinfo and fragment.
 */
export function endpointUrl(provider: Pick<Provider, 'name' | 'base_url'>, url: string): string {
  const isAbsolute = /^[A-Za-z][A-Za-z0-9+.-]*:/.test(url);
  if (!isAbsolute && provider.base_url === undefined) {
    throw new CupbearerError(
      'configuration-invalid',
      `provider "${provider.name}" has no public address: give base_url in the credential or the provider`,
    );
  }
  const text = isAbsolute ? url : `${provider.base_url?.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`;
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = parsed?.protocol === 'https:' || parsed?.protocol === 'http:';
  if (!parsed || !isHttp || parsed.username !== '' || parsed.password !== '' || text.includes('#')) {
    throw new CupbearerError(
      'configuration-invalid',
      `provider "${provider.name}": base_url and url must make an http(s) URL without userinfo and fragment`,
    );
  }
  return parsed.href;
}

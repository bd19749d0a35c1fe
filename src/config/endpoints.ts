import type { Provider, RequestKind } from '../provider/provider.ts';
import { isAbsoluteUrl, joinUrl, readUrl, type SafeUrl } from './base-url.ts';
import type { Path } from './problems.ts';
import { isLoopback, reaches } from './reach.ts';
import type { CredentialConfig } from './schema.ts';
import type { Sections } from './sections.ts';

/** A credential's provider, merged and made absolute. */
export interface ResolvedProvider {
  readonly provider: Provider;
  /** Undefined when there is none, or when it was told to be wrong. */
  readonly base: SafeUrl | undefined;
  readonly baseGiven: boolean;
  /** Whether tokens are asked for by https, or not at all. */
  readonly secure: boolean;
}

/** The requests of a provider; `token` goes first, since others start from it. */
export const requestKinds = [
  'token',
  'refresh',
  'exchange',
  'revoke',
  'extend',
  'device_authorization',
] as const satisfies readonly RequestKind[];

type Endpoint = RequestKind | 'authorize';

/**
 * The provider with absolute URLs under the credential's base_url; undefined when one is wrong. Every place in the file
 * is told once, however many URLs it spoils. `chain`: the entries of `providers:` it is made of, nearest first.
 */
export function makeAbsolute(
  name: string,
  credential: CredentialConfig,
  merged: Provider,
  chain: readonly string[],
  sections: Sections,
): ResolvedProvider | undefined {
  const { has, tell } = sections;
  const fallback = ['credentials', name, 'provider'];
  const placeOf = (...keys: string[]): Path =>
    chain.map((entry) => ['providers', entry, ...keys]).find(has) ?? fallback;
  const baseText = credential.base_url ?? merged.base_url;
  const basePlace =
    credential.base_url === undefined ? placeOf('base_url') : ['credentials', name, 'base_url'];
  const base = baseText === undefined ? undefined : readUrl(baseText);
  if (base?.ok === false) {
    tell(basePlace, `base_url: ${base.message}`, { hide: base.hide });
    return undefined;
  }
  const told = new Set<string>();
  const say = (place: Path, message: string, hide = false): undefined => {
    if (!told.has(place.join('\n'))) tell(place, message, { hide });
    told.add(place.join('\n'));
  };
  const read = (endpoint: Endpoint, url: string): SafeUrl | undefined => {
    const isAbsolute = isAbsoluteUrl(url);
    if (!isAbsolute && baseText === undefined) {
      return say(
        fallback,
        `the ${endpoint} URL of this provider is relative; give this credential a base_url`,
      );
    }
    const safe = readUrl(isAbsolute ? url : joinUrl(baseText ?? '', url), { query: true, template: true });
    const message = safe.ok ? endpointFault(endpoint, safe, sections) : safe.message;
    if (message === undefined) return safe.ok ? safe : undefined;
    const place = isAbsolute ? placeOf(endpoint, 'url') : basePlace;
    return say(place, `${endpoint} URL: ${message}`, !safe.ok && safe.hide);
  };
  let token: SafeUrl | undefined;
  const requests: Partial<Record<RequestKind, Provider['token']>> = {};
  for (const kind of requestKinds) {
    const request = merged[kind];
    if (request === undefined || request.url === '') continue;
    const inherits = kind !== 'token' && request.url === merged.token.url;
    const url = inherits ? token : read(kind, request.url);
    if (kind === 'token') token = url;
    if (url !== undefined) requests[kind] = { ...request, url: url.href };
  }
  const authorize = absoluteAuthorize(merged, read);
  if ((token === undefined && merged.token.url !== '') || told.size > 0) return undefined;
  const lifetime = credential.default_lifetime ?? merged.response.default_lifetime;
  return {
    base,
    baseGiven: baseText !== undefined,
    secure: token?.secure ?? true,
    provider: {
      ...merged,
      ...requests,
      base_url: base && `${base.origin}${base.path}`,
      authorize,
      response: { ...merged.response, default_lifetime: lifetime },
    },
  };
}

/** An empty URL stays: where a person logs in is not known. */
function absoluteAuthorize(
  { authorize }: Provider,
  read: (endpoint: Endpoint, url: string) => SafeUrl | undefined,
): Provider['authorize'] {
  if (authorize === undefined || authorize.url === '') return authorize;
  const url = read('authorize', authorize.url);
  return url && { ...authorize, url: url.href };
}

function endpointFault(endpoint: Endpoint, url: SafeUrl, { server }: Sections): string | undefined {
  if (!url.secure && !isLoopback(url.hostname)) {
    const what = endpoint === 'authorize' ? 'login' : 'client secret';
    return `http:// would show the ${what} to the network; write https://`;
  }
  if (server === undefined) return undefined;
  if (reaches(server.listen, url.hostname, url.port) || reaches(server.admin, url.hostname, url.port)) {
    return "this is Cupbearer's own listener; write the provider's address";
  }
  return undefined;
}

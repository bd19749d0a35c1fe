import { CupbearerError } from '../errors.ts';
import type { Json, Provider, ProviderSpec } from '../provider/provider.ts';
import { resolveProvider } from '../provider/resolve.ts';
import { isAbsoluteUrl, joinUrl, readUrl, type SafeUrl } from './base-url.ts';
import { fieldNameFault } from './field-rules.ts';
import { isLoopback, reaches } from './reach.ts';
import { providerExists } from './references.ts';
import type { CredentialConfig } from './schema.ts';
import type { Sections } from './sections.ts';
import { suggestion } from './suggest.ts';

/** A credential's provider, merged and made absolute. */
export interface ResolvedProvider {
  readonly provider: Provider;
  /** Undefined when there is none, or when it was told to be wrong. */
  readonly base: SafeUrl | undefined;
  readonly baseGiven: boolean;
}

/** The provider of every credential that has a usable one; what is wrong is told. */
export function resolveProviders(
  sections: Sections,
  presets: Readonly<Record<string, ProviderSpec>>,
  faulty: ReadonlySet<string>,
): Map<string, ResolvedProvider> {
  const resolved = new Map<string, ResolvedProvider>();
  for (const [name, credential] of sections.credentials.entries) {
    const chain = providerChain(name, credential.provider, sections, presets);
    const told = chain?.some((entry) => faulty.has(entry)) ?? false;
    const merged = chain && merge(name, credential.provider, sections, presets, told);
    if (merged === undefined || chain === undefined) continue;
    const one = makeAbsolute(name, credential, merged, chain, sections);
    checkCredential(name, credential, merged, sections);
    if (one !== undefined) resolved.set(name, one);
  }
  return resolved;
}

/** The entries of `providers:` a credential's provider is made of, nearest first; undefined when one is not usable. */
function providerChain(
  credential: string,
  provider: string,
  sections: Sections,
  presets: Readonly<Record<string, ProviderSpec>>,
): string[] | undefined {
  const { providers } = sections;
  if (!providerExists(credential, provider, sections, presets)) return undefined;
  const chain: string[] = [];
  let next: string | undefined = provider;
  while (next !== undefined && providers.names.has(next) && !chain.includes(next)) {
    const spec = providers.entries.get(next);
    if (spec === undefined) return undefined;
    chain.push(next);
    next = spec.extends === next ? undefined : spec.extends;
  }
  return chain;
}

/** Tells every `extends` that leads nowhere or back, used or not, and gives the names of those entries. */
export function checkExtends(
  sections: Sections,
  presets: Readonly<Record<string, ProviderSpec>>,
): Set<string> {
  const faulty = new Set<string>();
  const { providers, tell, quote } = sections;
  for (const [name, spec] of providers.entries) {
    const path = ['providers', name, 'extends'];
    const wanted = spec.extends;
    if (wanted === undefined) continue;
    const known = [...providers.names, ...Object.keys(presets)].filter((other) => other !== name);
    const say = (message: string): void => {
      faulty.add(name);
      tell(path, message);
    };
    if (wanted === name) {
      if (!Object.hasOwn(presets, name)) say('the provider extends itself');
      continue;
    }
    if (!known.includes(wanted)) {
      say(`unknown provider ${quote(path, wanted)}${suggestion(wanted, known)}`);
      continue;
    }
    const seen = [name];
    let next: string | undefined = wanted;
    while (next !== undefined && !seen.includes(next)) {
      seen.push(next);
      next = providers.entries.get(next)?.extends;
    }
    if (next === name) say(`the provider extends itself: ${[...seen, name].join(' → ')}`);
  }
  return faulty;
}

function merge(
  credential: string,
  name: string,
  { providers, tell }: Sections,
  presets: Readonly<Record<string, ProviderSpec>>,
  told: boolean,
): Provider | undefined {
  const spec = providers.entries.get(name) ?? presets[name];
  if (spec === undefined) return undefined;
  try {
    return resolveProvider(
      name,
      spec as ProviderSpec,
      presets,
      Object.fromEntries(providers.entries) as Record<string, ProviderSpec>,
    );
  } catch (error) {
    if (!(error instanceof CupbearerError)) throw error;
    if (told) return undefined;
    const own = providers.entries.has(name);
    tell(own ? ['providers', name] : ['credentials', credential, 'provider'], error.message, { atKey: own });
    return undefined;
  }
}

function makeAbsolute(
  name: string,
  credential: CredentialConfig,
  merged: Provider,
  chain: readonly string[],
  sections: Sections,
): ResolvedProvider | undefined {
  const { has, tell } = sections;
  const fallback = ['credentials', name, 'provider'];
  const placeOf = (...keys: string[]) =>
    chain.map((entry) => ['providers', entry, ...keys]).find(has) ?? fallback;
  const baseText = credential.base_url ?? merged.base_url;
  const basePlace =
    credential.base_url === undefined ? placeOf('base_url') : ['credentials', name, 'base_url'];
  const base = baseText === undefined ? undefined : readUrl(baseText);
  if (base?.ok === false) {
    tell(basePlace, `base_url: ${base.message}`, { hide: base.hide });
    return undefined;
  }
  const absolute = (kind: 'token' | 'refresh'): string | undefined => {
    const { url } = merged[kind];
    const place = isAbsoluteUrl(url) ? placeOf(kind, 'url') : basePlace;
    if (!isAbsoluteUrl(url) && baseText === undefined) {
      tell(fallback, `the ${kind} URL of this provider is relative; give this credential a base_url`);
      return undefined;
    }
    const safe = readUrl(isAbsoluteUrl(url) ? url : joinUrl(baseText ?? '', url), { query: true });
    const message = safe.ok ? endpointFault(safe, sections) : safe.message;
    if (message !== undefined) {
      tell(place, `${kind} URL: ${message}`, { hide: !safe.ok && safe.hide });
      return undefined;
    }
    return safe.ok ? safe.href : undefined;
  };
  const tokenUrl = absolute('token');
  const refreshUrl = merged.refresh.url === merged.token.url ? tokenUrl : absolute('refresh');
  if (tokenUrl === undefined || refreshUrl === undefined) return undefined;
  const lifetime = credential.default_lifetime ?? merged.response.default_lifetime;
  return {
    base,
    baseGiven: baseText !== undefined,
    provider: {
      ...merged,
      base_url: base && `${base.origin}${base.path}`,
      token: { ...merged.token, url: tokenUrl },
      refresh: { ...merged.refresh, url: refreshUrl },
      response: { ...merged.response, default_lifetime: lifetime },
    },
  };
}

function endpointFault(url: SafeUrl, { server }: Sections): string | undefined {
  if (!url.secure && !isLoopback(url.hostname)) {
    return 'http:// would show the client secret to the network; write https://';
  }
  if (server === undefined) return undefined;
  if (reaches(server.listen, url.hostname, url.port) || reaches(server.admin, url.hostname, url.port)) {
    return "this is Cupbearer's own listener; write the provider's address";
  }
  return undefined;
}

/** Tells what a grant needs and the credential does not have (RFC 6749 §2.3.1, §4.3.2, §4.4.2, §6). */
function checkCredential(
  name: string,
  credential: CredentialConfig,
  provider: Provider,
  { tell }: Sections,
): void {
  const { grant_type } = credential;
  const request = grant_type === 'refresh_token' ? provider.refresh : provider.token;
  const need = (
    key: 'client_id' | 'client_secret' | 'refresh_token' | 'username' | 'password',
    why: string,
  ): void => {
    if (credential[key] !== undefined) return;
    const form = key === 'client_id' || key === 'username' ? '${NAME}' : '${NAME} or ${file:/path}';
    tell(['credentials', name], `${key} is missing: ${why}; write ${key}: ${form}`, { atKey: true });
  };
  const authenticated = request.client_auth !== 'none';
  if (authenticated) need('client_id', `provider ${provider.name} wants ${request.client_auth}`);
  else if (grant_type === 'client_credentials') need('client_id', 'grant_type client_credentials needs it');
  if (authenticated) need('client_secret', `provider ${provider.name} wants ${request.client_auth}`);
  if (grant_type === 'refresh_token') need('refresh_token', 'grant_type refresh_token starts with one');
  if (grant_type === 'password') {
    need('username', 'grant_type password needs it');
    need('password', 'grant_type password needs it');
  }
  if (credential.tenant !== undefined) {
    const fault = fieldNameFault(credential.tenant.header);
    if (fault !== undefined) tell(['credentials', name, 'tenant', 'header'], fault);
    return;
  }
  const templates = [provider.token, provider.refresh].flatMap(({ params, headers }) => [params, headers]);
  if ([...templates, credential.params].some(namesTenant)) {
    const message =
      '{tenant} is used in params or headers and there is no tenant; write tenant: { header: X-Tenant }';
    tell(['credentials', name], message, { atKey: true });
  }
}

function namesTenant(value: Json): boolean {
  if (typeof value === 'string') return value.includes('{tenant}');
  return typeof value === 'object' && value !== null && Object.values(value).some(namesTenant);
}

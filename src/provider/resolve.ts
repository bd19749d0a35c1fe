import { CupbearerError } from '../errors.ts';
import type { GrantType } from './grant-type.ts';
import { oauth2 } from './presets/oauth2.ts';
import type {
  Authorize,
  Part,
  Provider,
  ProviderSpec,
  ResponseShape,
  SideKind,
  TokenRequest,
} from './provider.ts';
import { isErrorCode } from './refusal.ts';

type Specs = Readonly<Record<string, ProviderSpec>>;
type Link = readonly [name: string, spec: ProviderSpec];

/**
 * The complete provider `name` whose own words are `spec`: laid over what it extends, and so on down to plain RFC 6749.
 * `extends` names one of `siblings` (the other entries of `providers:`) or a preset; a spec that has a preset's name and
 * no `extends` extends that preset. Arrays are replaced, records merged key by key, a null stays and removes when the
 * request is built; `refresh` and `exchange` start from the finished `token`, the others from its client authentication,
 * encoding, names and fields.
 * `asks: false`: for a credential whose token is in the configuration; the provider has no requests then.
 * Throws `configuration-invalid`: unknown `extends`, a cycle, a request without URL, JSON by GET, a bad expression or
 * error code.
 */
export function resolveProvider(
  name: string,
  spec: ProviderSpec,
  presets: Specs,
  siblings: Specs = {},
  { asks = true }: { readonly asks?: boolean } = {},
): Provider {
  const layers = chain([name, spec], presets, siblings)
    .map(([, layer]) => (asks ? layer : withoutRequests(layer)))
    .reverse();
  const token = layers.reduce<TokenRequest>((base, layer) => layRequest(base, layer.token), oauth2.token);
  const provider: Provider = {
    name,
    base_url: layers.findLast((layer) => layer.base_url !== undefined)?.base_url,
    grant_types: layers.findLast((layer) => layer.grant_types !== undefined)?.grant_types,
    token,
    refresh: layers.reduce((base, layer) => layRequest(base, layer.refresh), token),
    exchange: layers.reduce((base, layer) => layRequest(base, layer.exchange), token),
    revoke: laySide(layers, 'revoke', token),
    extend: laySide(layers, 'extend', token),
    device_authorization: laySide(layers, 'device_authorization', token),
    authorize: layAuthorize(layers),
    assertion_claims: Object.assign({}, ...layers.map(({ assertion_claims }) => assertion_claims)),
    response: layers.reduce<ResponseShape>(
      (base, layer) => layResponse(base, layer.response),
      oauth2.response,
    ),
    attach: layers.reduce<Provider['attach']>(
      (base, { attach }) => ({ ...lay(base, attach), headers: { ...base.headers, ...attach?.headers } }),
      oauth2.attach,
    ),
    refused: layers.reduce<Provider['refused']>((base, layer) => lay(base, layer.refused), oauth2.refused),
  };
  verify(provider, asks);
  return provider;
}

/**
 * The grants that `resolveProvider` would give this provider, whatever else is wrong with it; undefined: any. Throws
 * `configuration-invalid`: unknown `extends`, a cycle.
 */
export function grantTypesOf(
  name: string,
  spec: ProviderSpec,
  presets: Specs,
  siblings: Specs = {},
): readonly GrantType[] | undefined {
  const layers = chain([name, spec], presets, siblings);
  return layers.find(([, { grant_types }]) => grant_types !== undefined)?.[1].grant_types;
}

/** From the spec itself to the last thing it extends. */
function chain(start: Link, presets: Specs, siblings: Specs): Link[] {
  const links: Link[] = [];
  for (let link: Link | undefined = start; link !== undefined; link = parent(link, presets, siblings)) {
    const [name, spec]: Link = link;
    links.push(link);
    if (links.slice(0, -1).some(([, seen]) => seen === spec)) {
      throw invalid(start[0], `extends itself: ${links.map(([other]) => other).join(' → ')}`);
    }
    if (links.length > 100) throw invalid(name, 'extends too many others');
  }
  return links;
}

function parent([name, spec]: Link, presets: Specs, siblings: Specs): Link | undefined {
  const preset = (key: string): ProviderSpec | undefined =>
    Object.hasOwn(presets, key) ? presets[key] : undefined;
  const wanted = spec.extends;
  if (wanted === undefined) {
    const namesake = preset(name);
    return namesake !== undefined && namesake !== spec ? [name, namesake] : undefined;
  }
  const sibling = wanted !== name && Object.hasOwn(siblings, wanted) ? siblings[wanted] : undefined;
  const found = sibling ?? preset(wanted) ?? (wanted === name ? spec : undefined);
  if (found === undefined) {
    const known = [...new Set([...Object.keys(siblings), ...Object.keys(presets)])].filter(
      (key) => key !== name,
    );
    throw invalid(
      name,
      `extends "${wanted}", which does not exist; there is ${known.join(', ') || 'nothing'}`,
    );
  }
  return [wanted, found];
}

/** What it says of upstreams alone. */
function withoutRequests({ base_url, grant_types, response, attach, refused }: ProviderSpec): ProviderSpec {
  return { base_url, grant_types, response, attach, refused };
}

function lay<T extends object>(base: T, layer: Part<T> | undefined): T {
  const said = Object.entries(layer ?? {}).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(said) };
}

function layRequest(base: TokenRequest, layer: Part<TokenRequest> | undefined): TokenRequest {
  const merged = lay(base, layer);
  const keepsType = merged.encoding === base.encoding || layer?.content_type !== undefined;
  return {
    ...merged,
    content_type: keepsType ? merged.content_type : undefined,
    params: { ...base.params, ...layer?.params },
    rename: { ...base.rename, ...layer?.rename },
    headers: { ...base.headers, ...layer?.headers },
  };
}

/** A request that there may not be: undefined unless a layer gives it, and none after it takes it back. */
function laySide(
  layers: readonly ProviderSpec[],
  kind: SideKind,
  token: TokenRequest,
): TokenRequest | undefined {
  const base: TokenRequest = { ...token, url: '', method: 'POST', params: {} };
  return layers.reduce<TokenRequest | undefined>((under, { [kind]: layer }) => {
    if (layer === undefined) return under;
    return layer === null ? undefined : layRequest(under ?? base, layer);
  }, undefined);
}

const plainAuthorize: Authorize = { url: '', pkce: 'S256', params: {}, rename: {}, code_param: 'code' };

function layAuthorize(layers: readonly ProviderSpec[]): Authorize | undefined {
  return layers.reduce<Authorize | undefined>((under, { authorize: layer }) => {
    if (layer === undefined) return under;
    if (layer === null) return undefined;
    const base = under ?? plainAuthorize;
    return {
      ...lay(base, layer),
      params: { ...base.params, ...layer.params },
      rename: { ...base.rename, ...layer.rename },
    };
  }, undefined);
}

function layResponse(base: ResponseShape, layer: ProviderSpec['response']): ResponseShape {
  const { expires, rotation, ...rest } = layer ?? {};
  const merged = { ...lay(base, rest), rotation: lay(base.rotation, rotation) };
  if (expires === undefined) return merged;
  return { ...merged, expires: 'path' in expires ? [expires] : expires };
}

function verify(provider: Provider, asks: boolean): void {
  const { name, token, refresh, exchange, revoke, extend, device_authorization } = provider;
  const { response, refused } = provider;
  const requests = asks ? { token, refresh, exchange, revoke, extend, device_authorization } : {};
  for (const [kind, request] of Object.entries(requests)) {
    if (request === undefined) continue;
    if (request.url === '') throw invalid(name, `has no ${kind}.url${kind === 'token' ? orStatic : ''}`);
    if (request.method === 'GET' && request.encoding === 'json') {
      throw invalid(name, `${kind}: GET carries no JSON; use encoding: query`);
    }
  }
  response.errors.forEach(({ match, as }, index) => {
    const key = `response.errors.${index}`;
    if (!isExpression(match)) throw invalid(name, `${key}.match is not a regular expression`);
    if (!isErrorCode(as)) throw invalid(name, `${key}.as is not an error code of RFC 6749 §5.2`);
  });
  if (refused.body !== undefined && !isExpression(refused.body)) {
    throw invalid(name, 'refused.body is not a regular expression');
  }
}

const orStatic = '; write it, or grant_type: static in a credential whose key is sent as it is';

function isExpression(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}

function invalid(name: string, what: string): CupbearerError {
  return new CupbearerError('configuration-invalid', `provider "${name}" ${what}`);
}

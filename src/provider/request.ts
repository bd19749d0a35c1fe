import { CupbearerError } from '../errors.ts';
import { basic, formEncode, jsonEncode, mediaTypes, withQuery } from './encoding.ts';
import { type Lookup, lookupIn, ParamSet, type Params, renderJson, renderText, withOwn } from './params.ts';
import type { Json, Provider, RequestKind, TokenRequest } from './provider.ts';
import { isFieldValue, placeholdersIn } from './template.ts';
import { endpointUrl } from './url.ts';

export type { RequestKind } from './provider.ts';

export interface TokenRequestInput {
  readonly provider: Provider;
  readonly kind: RequestKind;
  /** Of the grant, by their RFC 6749 names; undefined, null and empty ones are not sent. */
  readonly params: Readonly<Record<string, Json | null | undefined>>;
  /** Of the credential; null removes one. What the URL has as a {placeholder} goes there and nowhere else. */
  readonly credentialParams: Readonly<Record<string, string | number | boolean | null>>;
  /** Who we are, and the proof that the request's client_auth asks for. */
  readonly client: {
    readonly id?: string | undefined;
    readonly secret?: string | undefined;
    /** A client assertion (RFC 7521 §4.2). */
    readonly assertion?: string | undefined;
  };
  /** Values of {placeholders} besides client_id, client_secret, client_assertion and the texts of `params`. */
  readonly placeholders: Readonly<Record<string, string | undefined>>;
  /** Further fields, flat: [name, value, …], such as those that carry another credential's token. */
  readonly fields?: readonly string[] | undefined;
}

/** Holds secrets in its fields, its body and, for encoding: query, its URL. */
export interface TokenHttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: [name: string, value: string][];
  readonly body: string | undefined;
}

/**
 * The vendor's HTTP request. Parameters come from the grant, then client authentication, then the provider, then the
 * credential: the later replaces the earlier. `rename` applies to all of them. Fields likewise: client authentication,
 * then `fields`, then the provider's headers. A GET or DELETE without parameters has no body.
 * Throws `configuration-invalid` when the provider has no such request, when a placeholder inside a longer text has no
 * value, when client_auth wants an assertion and there is none, when a form is asked to carry an object, or as
 * `endpointUrl` does; `token-refused` when a value may not stand in a header field, or as `endpointUrl` does.
 */
export function buildTokenRequest(input: TokenRequestInput): TokenHttpRequest {
  const { provider, client, kind } = input;
  const request = provider[kind];
  if (request === undefined) {
    throw new CupbearerError(
      'configuration-invalid',
      `provider "${provider.name}" has no ${kind} request; write providers.${provider.name}.${kind}.url`,
    );
  }
  const secrets = {
    client_id: client.id,
    client_secret: client.secret,
    client_assertion: client.assertion,
  };
  const lookup = lookupIn(input.params, secrets, input.placeholders);
  const params = collectParams(input, request, lookup);
  const url = endpointUrl(provider, request.url, withOwn(input.credentialParams, lookup));
  const inQuery = request.encoding === 'query' || (request.method === 'GET' && request.encoding === 'form');
  if (inQuery) {
    const headers = collectFields(input, request, undefined, lookup);
    return {
      method: request.method,
      url: withQuery(url, formEncode(params, `${kind} request`)),
      headers,
      body: undefined,
    };
  }
  const bare = params.size === 0 && (request.method === 'GET' || request.method === 'DELETE');
  const encoding = request.encoding === 'json' ? 'json' : 'form';
  const body = encoding === 'json' ? jsonEncode(params) : formEncode(params, `${kind} request`);
  const contentType = bare ? undefined : (request.content_type ?? mediaTypes[encoding]);
  const headers = collectFields(input, request, contentType, lookup);
  return { method: request.method, url, headers, body: bare ? undefined : body };
}

function collectParams(input: TokenRequestInput, request: TokenRequest, lookup: Lookup): Params {
  const collected = new ParamSet(request.rename);
  for (const [name, value] of Object.entries(input.params)) if (value !== '') collected.set(name, value);
  for (const [name, value] of clientParams(input, request)) collected.set(name, value);
  const inUrl = placeholdersIn(request.url).filter((name) => lookup(name) === undefined);
  const own = Object.entries(input.credentialParams).filter(([name]) => !inUrl.includes(name));
  for (const [name, value] of [...Object.entries(request.params), ...own])
    collected.set(name, renderJson(value, lookup, `${input.kind} request: parameter ${name}`));
  return collected.params;
}

/** What client authentication puts among the parameters; a client without a proof only says who it is (RFC 6749 §3.2.1). */
function clientParams({ client, kind }: TokenRequestInput, request: TokenRequest): [string, string][] {
  const { id, secret, assertion } = client;
  const identity: [string, string][] = id ? [['client_id', id]] : [];
  switch (request.client_auth) {
    case 'client_secret_basic':
      return secret ? [] : identity;
    case 'client_secret_post':
      return secret ? [...identity, ['client_secret', secret]] : identity;
    case 'client_secret_jwt':
    case 'private_key_jwt':
      if (!assertion) {
        const what = `${kind} request: client_auth ${request.client_auth} needs a client assertion`;
        throw new CupbearerError('configuration-invalid', `${what}; there is none`);
      }
      // RFC 7521 §4.2, RFC 7523 §2.2.
      return [
        ...identity,
        ['client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'],
        ['client_assertion', assertion],
      ];
    // RFC 8705 §2: the certificate proves it, on the connection.
    case 'tls_client_auth':
    case 'none':
      return identity;
  }
}

function collectFields(
  { client, kind, fields: further = [] }: TokenRequestInput,
  request: TokenRequest,
  contentType: string | undefined,
  lookup: Lookup,
): [string, string][] {
  const fields = new Map<string, [string, string]>();
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined) fields.set(name.toLowerCase(), [name, value]);
  };
  set('accept', 'application/json');
  set('content-type', contentType);
  if (request.client_auth === 'client_secret_basic' && client.secret) {
    set('authorization', basic(client.id ?? '', client.secret, request.basic_encoding));
  }
  for (let at = 0; at + 1 < further.length; at += 2) set(further[at] as string, further[at + 1]);
  for (const [name, template] of Object.entries(request.headers)) {
    if (template === null) fields.delete(name.toLowerCase());
    else set(name, renderText(template, lookup, `${kind} request: header ${name}`));
  }
  for (const [name, value] of fields.values()) {
    if (!isFieldValue(value)) {
      const what = `${kind} request: the value of ${name} may not stand in a header field`;
      throw new CupbearerError('token-refused', what);
    }
  }
  return [...fields.values()];
}

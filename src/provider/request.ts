import { CupbearerError } from '../errors.ts';
import type { Json, Provider, TokenRequest } from './provider.ts';
import { isFieldValue, render, soleName } from './template.ts';
import { endpointUrl } from './url.ts';

export interface TokenRequestInput {
  readonly provider: Provider;
  readonly kind: 'token' | 'refresh';
  /** Of the grant, by their RFC 6749 names; undefined, null and empty ones are not sent. */
  readonly params: Readonly<Record<string, Json | null | undefined>>;
  /** Of the credential; null removes one. */
  readonly credentialParams: Readonly<Record<string, string | number | boolean | null>>;
  readonly client: { readonly id?: string | undefined; readonly secret?: string | undefined };
  /** Values of {placeholders} besides client_id, client_secret and the texts of `params`. */
  readonly placeholders: Readonly<Record<string, string | undefined>>;
}

/** Holds secrets in its fields, its body and, for encoding: query, its URL. */
export interface TokenHttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: [name: string, value: string][];
  readonly body: string | undefined;
}

type Lookup = (name: string) => string | undefined;
type Params = Map<string, Json>;

/**
 * The vendor's HTTP request for a token. Parameters come from the grant, then client authentication, then the provider,
 * then the credential: the later replaces the earlier. `rename` applies to all of them.
 * Throws `configuration-invalid` when a placeholder inside a longer text has no value, when a form is asked to carry an
 * object, or as `endpointUrl` does; `token-refused` when a header value may not stand in a header field.
 */
export function buildTokenRequest(input: TokenRequestInput): TokenHttpRequest {
  const { provider, client } = input;
  const request = provider[input.kind];
  const lookup = placeholderValues(input);
  const params = collectParams(input, request, lookup);
  const url = endpointUrl(provider, request.url);
  const fields = new Map([['accept', ['accept', 'application/json'] as [string, string]]]);
  const setField = (name: string, value: string): unknown => fields.set(name.toLowerCase(), [name, value]);

  const inQuery = request.encoding === 'query' || (request.method === 'GET' && request.encoding === 'form');
  if (!inQuery) setField('content-type', request.content_type ?? mediaTypes[request.encoding]);
  if (request.client_auth === 'client_secret_basic' && (client.id || client.secret)) {
    setField('authorization', basic(client.id ?? '', client.secret ?? '', request.basic_encoding));
  }
  for (const [name, template] of Object.entries(request.headers)) {
    if (template === null) fields.delete(name.toLowerCase());
    const value = template === null ? undefined : renderText(template, lookup, `header ${name}`);
    if (value !== undefined) setField(name, value);
  }
  for (const [name, value] of fields.values()) {
    if (!isFieldValue(value)) {
      throw new CupbearerError(
        'token-refused',
        `token request: the value of ${name} may not stand in a header field`,
      );
    }
  }
  return {
    method: request.method,
    url: inQuery ? withQuery(url, formEncode(params)) : url,
    headers: [...fields.values()],
    body: inQuery ? undefined : request.encoding === 'json' ? jsonEncode(params) : formEncode(params),
  };
}

const mediaTypes = {
  form: 'application/x-www-form-urlencoded',
  json: 'application/json',
  query: '',
} as const;

function placeholderValues({ client, params, placeholders }: TokenRequestInput): Lookup {
  const values = new Map<string, string>();
  const given = { ...params, client_id: client.id, client_secret: client.secret };
  for (const [name, value] of [...Object.entries(given), ...Object.entries(placeholders)]) {
    if (typeof value === 'string') values.set(name, value);
  }
  return (name) => values.get(name);
}

function collectParams(input: TokenRequestInput, request: TokenRequest, lookup: Lookup): Params {
  const collected: Params = new Map();
  const set = (name: string, value: Json | undefined): void => {
    const vendorName = Object.hasOwn(request.rename, name) ? (request.rename[name] ?? name) : name;
    if (value === null || value === undefined) collected.delete(vendorName);
    else collected.set(vendorName, value);
  };
  for (const [name, value] of Object.entries(input.params)) if (value !== '') set(name, value);
  const { id, secret } = input.client;
  if (request.client_auth !== 'client_secret_basic' && id) set('client_id', id);
  if (request.client_auth === 'client_secret_post' && secret) set('client_secret', secret);
  for (const [name, value] of Object.entries(request.params)) set(name, renderJson(value, lookup, name));
  for (const [name, value] of Object.entries(input.credentialParams))
    set(name, renderJson(value, lookup, name));
  return collected;
}

function renderJson(value: Json, lookup: Lookup, name: string): Json | undefined {
  if (typeof value === 'string') return renderText(value, lookup, `parameter ${name}`);
  if (Array.isArray(value)) {
    return value.map((item: Json) => renderJson(item, lookup, name)).filter((item) => item !== undefined);
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(
    ([key, item]) => [key, renderJson(item, lookup, `${name}.${key}`)] as const,
  );
  return Object.fromEntries(members.filter((member): member is [string, Json] => member[1] !== undefined));
}

/** undefined when the text is one placeholder without a value: what it stands for is left out. */
function renderText(template: string, lookup: Lookup, where: string): string | undefined {
  const sole = soleName(template);
  if (sole !== undefined) return lookup(sole) || undefined;
  return render(template, (name) => {
    const value = lookup(name);
    if (value === undefined) {
      throw new CupbearerError(
        'configuration-invalid',
        `token request: ${where} needs {${name}}, which has no value`,
      );
    }
    return value;
  });
}

/** RFC 6749 §2.3.1, or RFC 7617 alone when raw; UTF-8 both. */
function basic(id: string, secret: string, encoding: TokenRequest['basic_encoding']): string {
  const encode =
    encoding === 'rfc6749' ? (text: string) => new URLSearchParams([['', text]]).toString().slice(1) : String;
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`, 'utf8').toString('base64')}`;
}

function jsonEncode(params: Params): string {
  return JSON.stringify(Object.fromEntries(params));
}

/** application/x-www-form-urlencoded; a list repeats its name (RFC 8707 §2). */
function formEncode(params: Params): string {
  const form = new URLSearchParams();
  for (const [name, value] of params) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (typeof item === 'object' && item !== null) {
        throw new CupbearerError(
          'configuration-invalid',
          `token request: parameter ${name} needs encoding: json`,
        );
      }
      if (item !== null) form.append(name, String(item));
    }
  }
  return form.toString();
}

function withQuery(url: string, query: string): string {
  if (query === '') return url;
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}

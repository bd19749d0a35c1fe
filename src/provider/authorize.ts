import { createHmac } from 'node:crypto';
import { CupbearerError } from '../errors.ts';
import { formEncode, withQuery } from './encoding.ts';
import { lookupIn, missing, ParamSet, renderJson } from './params.ts';
import type { Authorize, Json, Provider } from './provider.ts';
import { render } from './template.ts';
import { endpointUrl } from './url.ts';

export interface AuthorizationInput {
  readonly provider: Pick<Provider, 'name' | 'base_url' | 'authorize'>;
  /** redirect_uri, scope, state, code_challenge, … by their standard names; undefined and empty ones are left out. */
  readonly params: Readonly<Record<string, Json | undefined>>;
  readonly client: { readonly id: string; readonly secret?: string | undefined };
  /** The time in ISO 8601, for vendors that sign the request. */
  readonly timestamp: string;
  /** Values of further {placeholders}, such as the tenant. */
  readonly placeholders?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Where a person logs in (RFC 6749 §4.1.1, RFC 7636 §4.3). Goes through the person's browser: it holds no secret, and
 * client_secret is no placeholder here. Our own parameters come first, the provider's replace them, `rename` applies to
 * both. Without PKCE no challenge is sent; with it its method is S256.
 * Throws `configuration-invalid` when the provider has no login URL, signs with a client secret that is not there, or a
 * placeholder has no value.
 */
export function authorizationUrl(input: AuthorizationInput): string {
  const { provider, client, timestamp, params, placeholders = {} } = input;
  const { authorize } = provider;
  if (authorize === undefined || authorize.url === '') {
    throw new CupbearerError(
      'configuration-invalid',
      `provider "${provider.name}" does not say where a person logs in; write providers.${provider.name}.authorize.url`,
    );
  }
  const lookup = lookupIn(placeholders, params, { client_id: client.id, timestamp });
  const collected = new ParamSet(authorize.rename);
  const own = { response_type: 'code', client_id: client.id, ...params, ...challenge(authorize, params) };
  for (const [name, value] of Object.entries(own)) if (value !== '') collected.set(name, value);
  for (const [name, value] of Object.entries(authorize.params))
    collected.set(name, renderJson(value, lookup, `login: parameter ${name}`));
  if (authorize.signature !== undefined) {
    const { param, text_param, text } = authorize.signature;
    const signed = render(text, (name) => lookup(name) ?? missing(name, 'login: the signed text'));
    collected.set(text_param, signed);
    collected.set(param, sign(signed, client.secret, provider.name));
  }
  return withQuery(endpointUrl(provider, authorize.url, lookup), formEncode(collected.params, 'login'));
}

function challenge(
  { pkce }: Authorize,
  { code_challenge }: AuthorizationInput['params'],
): AuthorizationInput['params'] {
  const sent = pkce === 'S256' && code_challenge !== undefined;
  return {
    code_challenge: sent ? code_challenge : undefined,
    code_challenge_method: sent ? pkce : undefined,
  };
}

function sign(text: string, secret: string | undefined, provider: string): string {
  if (!secret) {
    throw new CupbearerError(
      'configuration-invalid',
      `provider "${provider}" wants the login signed with the client secret; write client_secret in the credential`,
    );
  }
  return createHmac('sha256', secret).update(text, 'utf8').digest('base64');
}

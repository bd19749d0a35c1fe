import * as v from 'valibot';
import { grantTypes } from '../provider/grant-type.ts';
import { claim, describe, duration, nameKey, secret, text } from './schema-types.ts';

const tenant = v.strictObject({
  header: describe(text, 'Request field that names the tenant; never forwarded.'),
  max: describe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1000),
    'How many tenants may hold a token at a time.',
  ),
});

/** Trust and client certificate towards one server. */
export const tls = v.strictObject({
  ca: describe(v.optional(text), 'PEM file of the authorities to trust instead of the built-in ones.'),
  cert: describe(v.optional(text), 'PEM file of our client certificate.'),
  key: describe(v.optional(text), 'PEM file of its key.'),
});

const list = v.union([text, v.pipe(v.array(text), v.minLength(1, 'needs at least one entry'))]);

/** One entry of `credentials:`. */
export const credential = v.strictObject({
  provider: describe(text, 'A preset or a key of providers.'),
  grant_type: describe(
    v.optional(v.picklist(grantTypes)),
    "How tokens are obtained. Default: the first of the provider's grant_types, else client_credentials.",
  ),
  base_url: describe(v.optional(text), "Replaces the provider's base_url for this credential."),
  client_id: describe(v.optional(text), 'RFC 6749 §2.2.'),
  client_secret: describe(
    v.optional(v.union([secret, v.pipe(v.array(secret), v.minLength(1, 'needs at least one secret'))])),
    'RFC 6749 §2.3.1. Of a list, tried in order while a secret rotates; the one that works is remembered.',
  ),
  token: describe(
    v.optional(secret),
    "The key or token that is sent as it is, as {access_token} of the provider's attach; grant_type static.",
  ),
  private_key: describe(
    v.optional(secret),
    'Signs assertions: client_auth private_key_jwt, grant_type jwt-bearer. PEM, not encrypted (a certificate beside it is named by x5t#S256), a JWK, or the JSON key file of a service account.',
  ),
  private_key_id: describe(v.optional(text), '`kid` of the key, in the header of what it signs.'),
  signing_alg: describe(
    v.optional(v.picklist(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'HS256', 'HS512'])),
    'Algorithm of what we sign (RFC 7518 §3.1, RFC 8037 §3.1). Default: what fits the key.',
  ),
  client_assertion: describe(
    v.optional(secret),
    'A ready client assertion, such as a workload identity token in a file; client_auth private_key_jwt.',
  ),
  assertion: describe(
    v.optional(secret),
    'A ready assertion, such as a workload identity token in a file; grant_type jwt-bearer.',
  ),
  assertion_claims: describe(
    v.optional(v.record(nameKey, claim)),
    'Claims of the assertions we sign, grant_type jwt-bearer or client_auth *_jwt: iss, sub, aud, …. Default aud: the token URL. exp, iat and jti are always written anew.',
  ),
  subject_token: describe(
    v.optional(secret),
    'RFC 8693 §2.1: the token to exchange, unless it is that of `using`.',
  ),
  subject_token_type: describe(
    v.optional(text, 'urn:ietf:params:oauth:token-type:access_token'),
    'RFC 8693 §3.',
  ),
  actor_token: describe(v.optional(secret), 'RFC 8693 §2.1.'),
  actor_token_type: describe(v.optional(text), 'RFC 8693 §3.'),
  requested_token_type: describe(v.optional(text), 'RFC 8693 §3.'),
  audience: describe(
    v.optional(list),
    'Whom the token is for: RFC 8693 §2.1, and a parameter of many vendors. One text, or a list.',
  ),
  resource: describe(
    v.optional(list),
    'RFC 8707 §2: the absolute URI of what the token is for. One text, or a list.',
  ),
  using: describe(
    v.optional(text),
    "A key of credentials: client_credentials are asked for with that credential's token, token-exchange exchanges it.",
  ),
  redirect_uri: describe(
    v.optional(text),
    'Where the login comes back to (RFC 6749 §3.1.2), as registered with the provider. Default: a loopback address (RFC 8252 §7.3).',
  ),
  revoke_on_shutdown: describe(
    v.optional(v.boolean(), false),
    'Revoke the access token on a stop (RFC 7009).',
  ),
  tls: describe(
    v.optional(tls, {}),
    'Trust and client certificate towards the token endpoint; client_auth tls_client_auth (RFC 8705).',
  ),
  scope: describe(
    v.optional(
      v.union([
        text,
        v.pipe(
          v.array(text),
          v.transform((list) => list.join(' ')),
        ),
      ]),
    ),
    'Scope to ask for: one space-separated text, or a list.',
  ),
  username: describe(v.optional(text), 'RFC 6749 §4.3, grant_type password.'),
  password: describe(v.optional(secret), 'RFC 6749 §4.3, grant_type password.'),
  refresh_token: describe(
    v.optional(secret),
    'The refresh token a session starts with; grant_type refresh_token, or in place of a login.',
  ),
  params: describe(
    v.optional(v.record(nameKey, v.union([v.string(), v.number(), v.boolean(), v.null()])), {}),
    "Further parameters of this credential's token requests, by standard name; null removes one. One that a URL has as a {placeholder} goes there.",
  ),
  tenant: describe(v.optional(tenant), 'One token per tenant; {tenant} may be used in params and headers.'),
  default_lifetime: describe(v.optional(duration), "Replaces the provider's response.default_lifetime."),
  warm: describe(v.optional(v.boolean(), false), 'Fetch a token at start; readyz waits for it.'),
});

import * as v from 'valibot';
import { grantTypes } from '../provider/grant-type.ts';
import { claim, describe, duration, nameKey, text } from './schema-types.ts';

const json = v.any();

const tokenRequest = v.strictObject({
  url: describe(
    v.optional(text),
    "Absolute, or relative to base_url. Path and query may hold {placeholders}, also the credential's params.",
  ),
  method: describe(v.optional(v.picklist(['POST', 'GET', 'PUT', 'DELETE'])), 'Default: POST.'),
  encoding: describe(
    v.optional(v.picklist(['form', 'json', 'query'])),
    'How parameters are written. Default: form.',
  ),
  content_type: describe(v.optional(text), 'Media type of the body. Default follows encoding.'),
  client_auth: describe(
    v.optional(
      v.picklist([
        'client_secret_basic',
        'client_secret_post',
        'client_secret_jwt',
        'private_key_jwt',
        'tls_client_auth',
        'none',
      ]),
    ),
    'RFC 7591 token_endpoint_auth_method. Default: client_secret_basic.',
  ),
  basic_encoding: describe(
    v.optional(v.picklist(['rfc6749', 'raw'])),
    'Whether id and secret are form-urlencoded before base64 (RFC 6749 §2.3.1). Default: rfc6749.',
  ),
  params: describe(
    v.optional(v.record(v.string(), json)),
    'Parameters to add or replace, by standard name; null removes one. Texts may hold {placeholders}.',
  ),
  rename: describe(v.optional(v.record(nameKey, text)), "Standard parameter name → the vendor's."),
  headers: describe(
    v.optional(v.record(nameKey, v.nullable(v.string()))),
    'Further fields of the token request; null removes one. Values may hold {placeholders}.',
  ),
});

const expiryRule = v.strictObject({
  path: describe(text, 'Dotted path into the JSON answer.'),
  as: describe(
    v.picklist(['seconds', 'milliseconds', 'epoch', 'epoch_ms', 'iso', 'jwt']),
    'How it is written.',
  ),
});

const rotation = v.strictObject({
  grace: describe(
    v.optional(duration),
    'Refresh tokens are single-use: how long one whose answer was lost may be sent again. Default: 25s.',
  ),
  replay_after_grace: describe(
    v.optional(v.boolean()),
    'The provider takes one even later, as long as its successor was not used (FAPI 2.0). Default: false.',
  ),
});

const response = v.strictObject({
  access_token: describe(v.optional(text), 'Dotted path into the JSON answer. Default: access_token.'),
  refresh_token: describe(v.optional(text), 'Dotted path into the JSON answer. Default: refresh_token.'),
  tenant: describe(
    v.optional(text),
    'Path of the tenant in the answer of a login; must be the tenant the login was for.',
  ),
  expires: describe(
    v.optional(v.union([expiryRule, v.array(expiryRule)])),
    'Where the lifetime stands; a list is tried in order. Default: expires_in, seconds.',
  ),
  renew_after: describe(v.optional(text), 'Path of the seconds after which renewal should start.'),
  default_lifetime: describe(v.optional(duration), 'Lifetime when the answer gives none. Default: 5m.'),
  errors: describe(
    v.optional(
      v.array(
        v.strictObject({
          match: describe(text, 'Regular expression on the body of the refusal.'),
          as: describe(text, 'Error code of RFC 6749 §5.2, such as invalid_grant.'),
        }),
      ),
    ),
    'Vendor errors: a regular expression on the body → the RFC 6749 §5.2 error code it means.',
  ),
  rotation: describe(v.optional(rotation), 'What is known of single-use refresh tokens.'),
});

const authorize = v.strictObject({
  url: describe(v.optional(text), 'Address of the login page: absolute, or relative to base_url.'),
  pkce: describe(
    v.optional(v.picklist(['S256', 'none'])),
    'RFC 7636; none for a login page that does not know it. Default: S256.',
  ),
  params: describe(
    v.optional(v.record(v.string(), json)),
    'Parameters of the login page to add or replace, by standard name; null removes one. Texts may hold {placeholders}.',
  ),
  rename: describe(v.optional(v.record(nameKey, text)), "Standard parameter name → the vendor's."),
  code_param: describe(v.optional(text), 'What the redirect calls the code. Default: code.'),
  issuer: describe(
    v.optional(text),
    'What `iss` of the redirect must be (RFC 9207 §2.4). Default: not checked.',
  ),
  signature: describe(
    v.optional(
      v.strictObject({
        param: describe(text, 'Parameter that carries the signature.'),
        text_param: describe(text, 'Parameter that carries the signed text.'),
        text: describe(text, 'What is signed; {client_id} and {timestamp} may stand in it.'),
        algorithm: describe(v.optional(v.picklist(['HS256']), 'HS256'), 'HMAC with the client secret.'),
      }),
    ),
    'For vendors that want the login request signed with the client secret.',
  ),
});

const attach = v.strictObject({
  header: describe(v.optional(nameKey), 'Request field that carries the token. Default: Authorization.'),
  value: describe(v.optional(text), 'Template over the answer. Default: Bearer {access_token}.'),
  headers: describe(v.optional(v.record(nameKey, v.string())), 'Further fixed fields.'),
});

const refused = v.strictObject({
  status: describe(
    v.optional(v.array(v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)))),
    'Upstream statuses that mean: this token was refused. Default: [401].',
  ),
  body: describe(v.optional(text), 'Regular expression the body must match too.'),
});

/** One entry of `providers:`; everything is relative to what it extends. */
export const providerSpec = v.strictObject({
  extends: describe(v.optional(text), 'A preset or another provider to start from. Default: oauth2.'),
  base_url: describe(v.optional(text), 'Absolute URL under which relative URLs lie.'),
  grant_types: describe(
    v.optional(v.pipe(v.array(v.picklist(grantTypes)), v.minLength(1, 'needs at least one grant type'))),
    'The grants it takes (RFC 7591 §2); the first is that of a credential without grant_type. Default: any, client_credentials first.',
  ),
  token: describe(v.optional(tokenRequest), 'The request for a new token.'),
  refresh: describe(v.optional(tokenRequest), 'The request that spends a refresh token; inherits token.'),
  exchange: describe(
    v.optional(tokenRequest),
    'The request that spends an authorization code (RFC 6749 §4.1.3); inherits token.',
  ),
  revoke: describe(
    v.optional(v.nullable(tokenRequest)),
    'The request that revokes a token (RFC 7009). null: there is none.',
  ),
  extend: describe(
    v.optional(v.nullable(tokenRequest)),
    'The request that prolongs a token without changing it (sliding sessions). null: there is none.',
  ),
  device_authorization: describe(
    v.optional(v.nullable(tokenRequest)),
    'The request with which a device asks for its codes (RFC 8628 §3.1). null: there is none.',
  ),
  authorize: describe(
    v.optional(v.nullable(authorize)),
    'Where a person logs in (RFC 6749 §4.1.1). null: nowhere.',
  ),
  assertion_claims: describe(
    v.optional(v.record(nameKey, v.nullable(claim))),
    "Claims of the assertions that are signed for it, before the credential's own; null leaves one out.",
  ),
  response: describe(v.optional(response), 'How the answer is read.'),
  attach: describe(v.optional(attach), 'How the token travels upstream.'),
  refused: describe(v.optional(refused), 'How the upstream says that it refused the token.'),
});

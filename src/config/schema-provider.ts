import * as v from 'valibot';
import { describe, duration, nameKey, text } from './schema-types.ts';

const json = v.any();

const tokenRequest = v.strictObject({
  url: describe(v.optional(text), 'Absolute, or relative to base_url.'),
  method: describe(v.optional(v.picklist(['POST', 'GET', 'PUT'])), 'Default: POST.'),
  encoding: describe(
    v.optional(v.picklist(['form', 'json', 'query'])),
    'How parameters are written. Default: form.',
  ),
  content_type: describe(v.optional(text), 'Media type of the body. Default follows encoding.'),
  client_auth: describe(
    v.optional(v.picklist(['client_secret_basic', 'client_secret_post', 'none'])),
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

const response = v.strictObject({
  access_token: describe(v.optional(text), 'Dotted path into the JSON answer. Default: access_token.'),
  refresh_token: describe(v.optional(text), 'Dotted path into the JSON answer. Default: refresh_token.'),
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
  token: describe(v.optional(tokenRequest), 'The request for a new token.'),
  refresh: describe(v.optional(tokenRequest), 'The request that spends a refresh token; inherits token.'),
  response: describe(v.optional(response), 'How the answer is read.'),
  attach: describe(v.optional(attach), 'How the token travels upstream.'),
  refused: describe(v.optional(refused), 'How the upstream says that it refused the token.'),
});

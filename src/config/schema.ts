import * as v from 'valibot';
import { credential, tls } from './schema-credential.ts';
import { providerSpec } from './schema-provider.ts';
import {
  address,
  describe,
  duration,
  nameKey,
  schemeless,
  secret,
  size,
  storeKey,
  storeUrl,
  text,
} from './schema-types.ts';

/*
 * The configuration contract: the single source of types, defaults, documentation and JSON Schema.
 * Names are those of RFC 6749, RFC 7591, RFC 8414 and RFC 9110.
 */

const server = v.strictObject({
  listen: describe(
    v.optional(address, '127.0.0.1:8080'),
    'Where callers connect: host:port, or unix:/path. Beyond loopback it needs callers or allow_anonymous.',
  ),
  admin: describe(
    v.optional(v.union([v.literal('off'), address]), '127.0.0.1:9090'),
    'Where livez and readyz answer: host:port, unix:/path, or off.',
  ),
  hosts: describe(
    v.optional(v.array(schemeless), []),
    'Host names callers may use besides localhost, 127.0.0.1 and [::1].',
  ),
  allow_anonymous: describe(
    v.optional(v.boolean(), false),
    'Allows a listen address beyond loopback without callers.',
  ),
  shutdown_grace: describe(
    v.optional(duration, '30s'),
    'How long exchanges in progress may take to finish on a stop.',
  ),
  replicas: describe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
    'How many instances use these credentials; more than one need a store that they share.',
  ),
  max_body_buffer: describe(v.optional(size, '64MiB'), 'Bound of all replay buffers together.'),
});

const caller = v.strictObject({
  key: describe(
    v.union([secret, v.pipe(v.array(secret), v.minLength(1, 'needs at least one key'))]),
    'What the caller presents in X-Api-Key or Proxy-Authorization; several while keys rotate.',
  ),
  routes: describe(v.optional(v.array(text)), 'Prefixes the caller may use. Default: all.'),
});

const store = v.strictObject({
  url: describe(
    v.optional(storeUrl, 'memory:'),
    'Where sessions live: memory:, sqlite:/path, redis://host:6379/0 or rediss://…',
  ),
  key: describe(
    v.optional(v.union([storeKey, v.pipe(v.array(storeKey), v.minLength(1, 'needs at least one key'))])),
    'Seals what is stored: 32 bytes in base64; needed for sqlite and redis. Of a list, the first seals and all open.',
  ),
});

const timeout = v.strictObject({
  connect: describe(v.optional(duration, '3s'), 'To connect to the upstream.'),
  response: describe(v.optional(duration, '60s'), "To the first byte of the upstream's answer."),
  idle: describe(v.optional(duration, '5m'), "Between two pieces of the upstream's answer."),
});

const headers = v.strictObject({
  set: describe(
    v.optional(v.record(nameKey, v.string()), {}),
    "Fields to send upstream, replacing the caller's.",
  ),
  remove: describe(v.optional(v.array(text), []), "The caller's fields not to send upstream."),
});

const route = v.strictObject({
  upstream: describe(
    v.optional(text),
    "Base URL, or a path under the provider's base_url. Default: the base_url.",
  ),
  credential: describe(text, 'A key of credentials.'),
  strip_prefix: describe(
    v.optional(v.boolean(), true),
    'Whether the route prefix is left out of the upstream path.',
  ),
  methods: describe(
    v.optional(v.array(v.pipe(text, v.toUpperCase()))),
    'Methods to let through. Default: all but TRACE and CONNECT.',
  ),
  headers: describe(v.optional(headers, {}), 'Changes to the request fields.'),
  cookies: describe(v.optional(v.boolean(), false), 'Whether Cookie and Set-Cookie pass.'),
  timeout: describe(v.optional(timeout, {}), 'Upstream time limits.'),
  replay_limit: describe(
    v.optional(size, '1MiB'),
    'Bodies up to this size are kept for the retry after a 401.',
  ),
  tls: describe(v.optional(tls, {}), 'Trust and client certificate towards the upstream.'),
  http2: describe(v.optional(v.boolean(), false), 'Whether HTTP/2 is negotiated with the upstream.'),
  allow_insecure: describe(v.optional(v.boolean(), false), 'Allows http:// to an upstream beyond loopback.'),
  callers: describe(v.optional(v.array(text)), 'Callers that may use the route. Default: all.'),
});

/** The whole of routes.yaml. */
export const schema = v.strictObject({
  server: describe(v.optional(server, {}), 'Listeners and bounds.'),
  callers: describe(
    v.optional(v.record(nameKey, caller), {}),
    'Who may call; when given, every request needs a key.',
  ),
  store: describe(v.optional(store, {}), 'Where sessions live.'),
  providers: describe(
    v.optional(v.record(nameKey, providerSpec), {}),
    'Vendors without a preset, and changes to one that has.',
  ),
  credentials: describe(v.record(nameKey, credential), 'Who we are at each provider.'),
  routes: describe(v.record(v.string(), route), 'Path prefix → upstream and credential.'),
});

export type StoreConfig = v.InferOutput<typeof store>;
export type ServerConfig = v.InferOutput<typeof server>;
export type CallerConfig = v.InferOutput<typeof caller>;
export type ProviderConfig = v.InferOutput<typeof providerSpec>;
export type CredentialConfig = v.InferOutput<typeof credential>;
export type RouteFile = v.InferOutput<typeof route>;

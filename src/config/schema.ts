import * as v from 'valibot';
import type { GrantType } from '../provider/grant-type.ts';
import { credential, tls } from './schema-credential.ts';
import { providerSpec } from './schema-provider.ts';
import { caller, server } from './schema-server.ts';
import { describe, nameKey, size, storeKey, storeUrl, text, timeLimit } from './schema-types.ts';

/*
 * The configuration contract: the single source of types, defaults, documentation and JSON Schema.
 * Names are those of RFC 6749, RFC 7591, RFC 8414 and RFC 9110.
 */

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
  connect: describe(v.optional(timeLimit, '3s'), 'To connect to the upstream.'),
  response: describe(v.optional(timeLimit, '60s'), "To the first byte of the upstream's answer."),
  idle: describe(
    v.optional(timeLimit, '5m'),
    "Between two pieces of the upstream's answer, or of a WebSocket in either direction.",
  ),
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
  upgrade: describe(
    v.optional(v.boolean(), false),
    'Whether WebSocket connections pass; any other Upgrade is read as a plain request.',
  ),
  max_body: describe(v.optional(size), 'Largest request body to let through. Default: any.'),
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
/** A credential as the file has it. */
export type CredentialFile = v.InferOutput<typeof credential>;
/** A credential whose grant is settled: its own, or its provider's. */
export type CredentialConfig = Omit<CredentialFile, 'grant_type'> & { readonly grant_type: GrantType };
export type RouteFile = v.InferOutput<typeof route>;

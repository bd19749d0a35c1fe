import * as v from 'valibot';
import { address, describe, schemeless, secret, size, text, timeLimit, wait } from './schema-types.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Beyond the cores of a machine more help nobody. */
const maxWorkers = 256;

const originPattern = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._~!$&'()+,;=:[\]%-]+$/;

/** A serialised origin (RFC 6454 §6.2), as a browser sends it; it is compared as a whole. */
const origin = v.pipe(
  v.string(),
  v.regex(
    originPattern,
    'an origin is scheme://host or scheme://host:port, in lower case, without path and wildcard',
  ),
  v.check(
    (value) => !/^https?:/.test(value) || !originPattern.test(value) || URL.parse(value)?.origin === value,
    'no browser sends this origin; leave out :80 of http and :443 of https, and write the host as in a URL',
  ),
);

const listenerTls = v.strictObject({
  cert: describe(text, 'PEM file of the certificate and its chain.'),
  key: describe(text, 'PEM file of the private key.'),
  client_ca: describe(
    v.optional(text),
    'PEM file; callers then need a certificate that one of its authorities signed.',
  ),
});

/** The listeners and their bounds. */
export const server = v.strictObject({
  listen: describe(
    v.optional(address, '127.0.0.1:8080'),
    'Where callers connect: host:port, or unix:/path. Beyond loopback it needs callers, tls.client_ca or allow_anonymous.',
  ),
  admin: describe(
    v.optional(v.union([v.literal('off'), address]), '127.0.0.1:9090'),
    'Where the status page, logins, livez, readyz and metrics answer: host:port, unix:/path, or off.',
  ),
  hosts: describe(
    v.optional(v.array(schemeless), []),
    'Host names callers may use besides localhost, 127.0.0.1 and [::1].',
  ),
  origins: describe(
    v.optional(v.array(origin), []),
    'Origin fields to let through as they are written here; any other web page is refused. Preflights always are.',
  ),
  tls: describe(v.optional(listenerTls), 'Serves https:// on listen.'),
  allow_anonymous: describe(
    v.optional(v.boolean(), false),
    'Allows a listen address beyond loopback without callers or tls.client_ca.',
  ),
  shutdown_grace: describe(
    v.optional(wait, '30s'),
    'How long exchanges in progress may take to finish on a stop.',
  ),
  workers: describe(
    v.optional(v.pipe(count, v.maxValue(maxWorkers)), 1),
    'How many processes serve; they share one port, the tokens, and the bounds below.',
  ),
  replicas: describe(
    v.optional(count, 1),
    'How many instances use these credentials; more than one need a store that they share.',
  ),
  max_connections: describe(
    v.optional(count, 4096),
    "Bound of callers' connections, tunnels included; more are closed at once.",
  ),
  max_requests: describe(
    v.optional(count, 2048),
    'Bound of exchanges in progress; more are answered 503 at once.',
  ),
  max_tunnels: describe(
    v.optional(count, 512),
    'Bound of open WebSocket connections; more are answered 503 at once.',
  ),
  header_timeout: describe(
    v.optional(timeLimit, '10s'),
    'How long a caller may take to send the head of a request.',
  ),
  body_timeout: describe(
    v.optional(timeLimit, '30s'),
    'How long a caller may pause within a request body; an announced body must also keep up 1 KiB/s beyond it.',
  ),
  send_timeout: describe(v.optional(timeLimit, '5m'), 'How long a caller may take nothing of its answer.'),
  max_body_buffer: describe(v.optional(size, '64MiB'), 'Bound of all replay buffers together.'),
});

/** One caller. */
export const caller = v.strictObject({
  key: describe(
    v.union([secret, v.pipe(v.array(secret), v.minLength(1, 'needs at least one key'))]),
    'What the caller presents in X-Api-Key, Proxy-Authorization or Basic Authorization; several while keys rotate.',
  ),
  routes: describe(v.optional(v.array(text)), 'Prefixes the caller may use. Default: all.'),
});

export type ListenerTls = v.InferOutput<typeof listenerTls>;

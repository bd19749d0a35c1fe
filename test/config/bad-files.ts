/** A wrong configuration and every problem it must give, as `line:column message`. */
export interface BadFile {
  readonly title: string;
  readonly text: string;
  readonly problems: readonly string[];
}

export const realer = `credentials:
  realer: { provider: realer, client_id: me, client_secret: s3cr3t-in-file }
`;

/** Adds lines for route /a, which begins on line 4; its own keys are on line 5 and after. */
function route(title: string, lines: string, ...problems: string[]): BadFile {
  return { title, text: `${realer}routes:\n  /a:\n    credential: realer\n    ${lines}\n`, problems };
}

/** A file whose only route has the given prefix, at 4:3. */
function prefix(title: string, key: string, ...problems: string[]): BadFile {
  return { title, text: `${realer}routes:\n  ${key}: { credential: realer }\n`, problems };
}

/** One credential written over lines from 3 on; `x` is at 2:3. */
export function credential(title: string, lines: string, ...problems: string[]): BadFile {
  return {
    title,
    text: `credentials:\n  x:\n    ${lines.replaceAll('\n', '\n    ')}\nroutes:\n  /a: { credential: x }\n`,
    problems,
  };
}

/** One provider `p` (5:3) that extends realer, keys from line 7 on. */
export function provider(title: string, lines: string, ...problems: string[]): BadFile {
  const head =
    'credentials:\n  x: { provider: p, client_id: a, client_secret: b }\nroutes: { /a: { credential: x } }\nproviders:\n  p:\n    extends: realer\n';
  return { title, text: `${head}    ${lines.replaceAll('\n', '\n    ')}\n`, problems };
}

/** A server section whose keys begin on line 6. */
export function server(title: string, lines: string, ...problems: string[]): BadFile {
  return {
    title,
    text: `${realer}routes:\n  /a: { credential: realer }\nserver:\n  ${lines.replaceAll('\n', '\n  ')}\n`,
    problems,
  };
}

export function file(title: string, text: string, ...problems: string[]): BadFile {
  return { title, text, problems };
}

export const badFiles: readonly BadFile[] = [
  file('nothing', '', '0:0 the file is empty; write credentials: and routes:'),
  file('only comments', '# soon\n', '0:0 the file is empty; write credentials: and routes:'),
  file('a list', '- a\n', '1:1 expected a mapping with credentials: and routes:'),
  file('a text', 'hello\n', '1:1 expected a mapping with credentials: and routes:'),
  file(
    'neither credentials nor routes',
    'server: {}\n',
    '1:1 the key `credentials` is missing',
    '1:1 the key `routes` is missing',
  ),
  file('routes without entries', `${realer}routes:\n`, '3:8 expected a mapping, got nothing'),
  file(
    'routes as an empty mapping',
    `${realer}routes: {}\n`,
    '3:9 there are no routes; write /prefix: { credential: name }',
  ),
  file(
    'a section of the wrong kind',
    `${realer}routes: [a]\ncallers: 5\n`,
    '3:9 expected a mapping, got a list',
    '4:10 expected a mapping, got a single value',
  ),
  file(
    'an unknown section',
    `${realer}routes: { /a: { credential: realer } }\ncredential: {}\n`,
    '4:1 unknown key `credential`; did you mean `credentials`?',
  ),
  // YAML itself
  file('a tab', 'credentials:\n\trealer: {}\n', '2:1 a tab is used for indentation; YAML takes spaces only'),
  file(
    'an unclosed quote',
    'credentials:\n  x:\n    client_secret: "s3cr3t\n',
    '3:27 the closing " is missing',
  ),
  file(
    'a colon in a plain value',
    'credentials:\n  x:\n    client_secret: a: s3cr3t\n',
    '3:20 a value holds ": " or begins a mapping on the same line; put it in quotes or on its own lines',
  ),
  file(
    'a placeholder inside braces',
    'credentials:\n  x: { client_id: ${ID} }\n',
    '2:20 put ${…} inside { } or [ ] in quotes',
  ),
  file(
    'an unclosed brace',
    'credentials: { x: { provider: realer }\n',
    '1:39 the closing } is missing; put ${…} inside { } in quotes',
  ),
  file(
    'a value that begins with @',
    'credentials:\n  x: { provider: @realer }\n',
    '2:18 a value cannot begin with this character; put it in quotes',
  ),
  file(
    'two documents',
    'credentials: {}\n---\nroutes: {}\n',
    '2:1 there is more than one YAML document; keep one and remove the line ---',
  ),
  file(
    'a tag',
    `${realer}routes:\n  /a: { credential: !name realer }\n`,
    '4:27 YAML tags (!…) are not supported; write the value without one',
  ),
  file(
    'YAML 1.1',
    `%YAML 1.1\n---\n${realer}routes:\n  /a: { credential: realer }\n`,
    '1:1 YAML 1.1 is not supported; remove the %YAML directive',
  ),
  file(
    'keys that are no text',
    `${realer}routes:\n  /a: { credential: realer }\n  404: { credential: realer }\n  ? [b]\n  : c\n`,
    '5:3 a key must be text; put it in quotes',
    '6:5 a key must be text; put it in quotes',
  ),
  file(
    'a duplicate key',
    `${realer}routes:\n  /a: { credential: realer }\n  /a: { credential: realer }\n`,
    '5:3 duplicate key `/a`; keep one',
  ),
  file(
    'a reserved key',
    `${realer}  constructor: {}\nroutes:\n  /a: { credential: realer }\n`,
    '3:3 `constructor` is reserved and cannot be a key',
  ),
  file(
    'an alias without an anchor',
    `${realer}routes:\n  /a: *b\n`,
    '4:7 this alias has no anchor before it; put the value in quotes if it begins with *',
  ),
  file(
    'an alias to itself',
    `${realer}routes: &r\n  /a: *r\n`,
    '4:7 this alias lies inside the value it stands for',
  ),
  file(
    'a merge of a text',
    `${realer}routes:\n  /a: { <<: realer, credential: realer }\n`,
    '4:9 a merge key (<<) takes an alias of a mapping, or a list of them',
  ),
  // keys and kinds
  route(
    'a misspelt key',
    'upstrem: https://api.example',
    '6:5 unknown key `upstrem`; did you mean `upstream`?',
  ),
  route(
    'a key in another spelling',
    'stripPrefix: true',
    '6:5 unknown key `stripPrefix`; did you mean `strip_prefix`?',
  ),
  route(
    'a key that resembles none',
    'colour: red',
    '6:5 unknown key `colour`; known: upstream, credential, strip_prefix, methods, headers, cookies, timeout, replay_limit, tls, upgrade, max_body, http2, allow_insecure, callers',
  ),
  route(
    'two unknown keys at once',
    'colour: red\n    upstrem: /x',
    '6:5 unknown key `colour`; known: upstream, credential, strip_prefix, methods, headers, cookies, timeout, replay_limit, tls, upgrade, max_body, http2, allow_insecure, callers',
    '7:5 unknown key `upstrem`; did you mean `upstream`?',
  ),
  route(
    'a text where true or false is wanted',
    'strip_prefix: maybe',
    '6:19 expected true or false, got a text',
  ),
  route(
    'a number where a duration is wanted',
    'timeout: { connect: 30 }',
    '6:25 a duration is a number and ms, s, m, h or d: 30s; got a number',
  ),
  route(
    'a duration without a unit',
    'timeout: { connect: "30" }',
    '6:25 a duration is a number and ms, s, m, h or d: 30s',
  ),
  route(
    'a size with another unit',
    'replay_limit: 1MB',
    '6:19 a size is a number and B, KiB, MiB or GiB: 64KiB',
  ),
  route('a text where a list is wanted', 'methods: GET', '6:14 expected a list, got a text'),
  route('a list where a mapping is wanted', 'headers: [a]', '6:14 expected a mapping, got a list'),
  route('a mapping where a text is wanted', 'upstream: { url: x }', '6:15 expected a text, got a mapping'),
  route('nothing where a text is wanted', 'upstream:', '6:14 expected a text, got nothing'),
  credential('a missing key', 'client_id: a', '2:3 the key `provider` is missing'),
  credential(
    'a number as client_id',
    'provider: realer\nclient_id: 12345\nclient_secret: 67890',
    '4:16 expected a text, got a number; put it in quotes',
    '5:20 expected a text or a list, got a number; put it in quotes',
  ),
  credential(
    'an empty secret',
    'provider: realer\nclient_id: a\nclient_secret: ""',
    '5:20 must not be empty',
  ),
  credential(
    'an unknown grant type',
    'provider: realer\ngrant_type: client_credential',
    '4:17 expected one of client_credentials, refresh_token, authorization_code, urn:ietf:params:oauth:grant-type:device_code, password, urn:ietf:params:oauth:grant-type:jwt-bearer, urn:ietf:params:oauth:grant-type:token-exchange, static; did you mean `client_credentials`?',
  ),
  credential(
    'a fraction of a tenant',
    'provider: realer\nclient_id: a\nclient_secret: b\ntenant: { header: X-Org, max: 1.5 }',
    '6:35 must be a whole number',
  ),
  credential(
    'no tenants at all',
    'provider: realer\nclient_id: a\nclient_secret: b\ntenant: { header: X-Org, max: 0 }',
    '6:35 must be at least 1',
  ),
  file(
    'a credential whose name has a space',
    'credentials:\n  my app: { provider: realer, client_id: a, client_secret: b }\nroutes:\n  /a: { credential: my app }\n',
    '2:3 a name is letters, digits, dots, hyphens and underscores',
  ),
  provider('an unknown encoding', 'token: { encoding: xml }', '7:24 expected one of form, json, query'),
  provider(
    'an unknown expiry format in a list',
    'response: { expires: [{ path: a, as: second }] }',
    '7:42 expected one of seconds, milliseconds, epoch, epoch_ms, iso, jwt; did you mean `seconds`?',
  ),
  provider(
    'an unknown expiry format',
    'response: { expires: { path: a, as: second } }',
    '7:41 expected one of seconds, milliseconds, epoch, epoch_ms, iso, jwt; did you mean `seconds`?',
  ),
  provider('a status that is no refusal', 'refused: { status: [200] }', '7:25 must be at least 400'),
  // interpolation
  credential(
    'a variable that is not set',
    'provider: realer\nclient_id: ${NO_SUCH}\nclient_secret: b',
    '4:16 the environment variable NO_SUCH is not set; set it, or give a default: ${NO_SUCH:-…}',
  ),
  credential(
    'two variables that are not set',
    'provider: realer\nclient_id: ${NO_SUCH}-${env:NOR_THIS}\nclient_secret: b',
    '4:16 the environment variable NO_SUCH is not set; set it, or give a default: ${NO_SUCH:-…}',
    '4:16 the environment variable NOR_THIS is not set; set it, or give a default: ${NOR_THIS:-…}',
  ),
  credential(
    'a file that is not there',
    'provider: realer\nclient_id: a\nclient_secret: ${file:secrets/gone}',
    '5:20 cannot read the file /etc/cupbearer/secrets/gone: there is no such file',
  ),
  credential(
    'a placeholder that is not closed',
    'provider: realer\nclient_id: a\nclient_secret: ${SECRET',
    '5:20 a placeholder has no closing brace; write $${ for a literal ${',
  ),
  credential(
    'a default that is not closed',
    'provider: realer\nclient_id: a\nclient_secret: "${NO_SUCH:-x"',
    '5:20 the default of ${NO_SUCH:-…} has no closing brace',
  ),
  credential(
    'a source that does not exist',
    'provider: realer\nclient_id: a\nclient_secret: ${vault:x}',
    '5:20 a placeholder is not understood: write ${NAME}, ${NAME:-default}, ${env:NAME} or ${file:/path}; $${ stands for a literal ${',
  ),
  credential(
    'a variable that is not a number',
    'provider: realer\nclient_id: a\nclient_secret: b\ntenant: { header: X-Org, max: "${SECRET}" }',
    '6:35 expected a number, and the placeholder gives something else',
  ),
  credential(
    'an unknown provider from a variable',
    'provider: ${SECRET}\nclient_id: a\nclient_secret: b',
    '3:15 unknown provider `${SECRET}`; docs/providers.md lists them',
  ),
  // references
  credential(
    'an unknown provider',
    'provider: relaer\nclient_id: a\nclient_secret: b',
    '3:15 unknown provider `relaer`; did you mean `realer`?',
  ),
  file(
    'an unknown credential',
    `${realer}routes:\n  /a: { credential: raeler }\n`,
    '4:21 unknown credential `raeler`; did you mean `realer`?',
  ),
  route(
    'an unknown caller',
    'callers: [biling]\ncallers:\n  billing: { key: key-of-billing-1 }',
    '6:15 unknown caller `biling`; did you mean `billing`?',
  ),
  route(
    'an unknown route of a caller',
    'callers: [billing]\ncallers:\n  billing: { key: key-of-billing-1, routes: [/a, /ab] }',
    '8:50 unknown route `/ab`; did you mean `/a`?',
  ),
  route(
    'callers with the same key',
    'callers: [one]\ncallers:\n  one: { key: key-of-billing-1 }\n  two: { key: [key-of-billing-2, key-of-billing-1] }',
    '9:15 callers one and two have the same key; give each its own',
  ),
  provider(
    'an unknown key of a provider',
    'x: 1',
    '7:5 unknown key `x`; known: extends, base_url, grant_types, token, refresh, exchange, revoke, extend, device_authorization, authorize, assertion_claims, response, attach, refused',
  ),
  file(
    'providers that extend what is not there, or themselves',
    `${realer}routes:\n  /a: { credential: realer }\nproviders:\n  a: { extends: b }\n  b: { extends: a }\n  c: { extends: realler }\n  d: { extends: d }\n`,
    '6:17 the provider extends itself: a → b → a',
    '7:17 the provider extends itself: b → a → b',
    '8:17 unknown provider `realler`; did you mean `realer`?',
    '9:17 the provider extends itself',
  ),
  // prefixes
  prefix('a prefix without a slash', 'a', '4:3 a route prefix begins with a slash; write /name'),
  prefix('a prefix that ends in a slash', '/a/', '4:3 a route prefix does not end in a slash; remove it'),
  prefix(
    'a prefix with an empty segment',
    '/a//b',
    '4:3 a route prefix has no empty segment (//); write single slashes',
  ),
  prefix(
    'a prefix with a dot segment',
    '/a/../b',
    '4:3 a route prefix has no dot segment; write the path it means',
  ),
  prefix(
    'a prefix that ends in a dot segment',
    '/a/.',
    '4:3 a route prefix has no dot segment; write the path it means',
  ),
  prefix(
    'a prefix with a path parameter on a dot segment',
    '/..;x/b',
    '4:3 a route prefix has no dot segment; write the path it means',
  ),
  prefix(
    'a prefix with a percent',
    '/a%20b',
    '4:3 a route prefix has no percent-encoding; write the characters themselves',
  ),
  prefix(
    'a prefix with a query',
    '"/a?b"',
    "4:3 a route prefix has only letters, digits, slashes and - . _ ~ ! $ & ' ( ) * + , ; = : @ (RFC 3986 §3.3)",
  ),
  prefix(
    'a prefix with a space',
    '"/a b"',
    "4:3 a route prefix has only letters, digits, slashes and - . _ ~ ! $ & ' ( ) * + , ; = : @ (RFC 3986 §3.3)",
  ),
  prefix(
    'a prefix beyond ASCII',
    '/ä',
    "4:3 a route prefix has only letters, digits, slashes and - . _ ~ ! $ & ' ( ) * + , ; = : @ (RFC 3986 §3.3)",
  ),
  prefix(
    'a prefix with a backslash',
    '/a\\b',
    "4:3 a route prefix has only letters, digits, slashes and - . _ ~ ! $ & ' ( ) * + , ; = : @ (RFC 3986 §3.3)",
  ),
  // upstreams
  route(
    'an upstream with userinfo',
    'upstream: https://me:s3cr3t@api.example',
    '6:15 upstream: a URL here has no user and password; credentials belong under credentials:',
  ),
  route(
    'an upstream with a query',
    'upstream: https://api.example/?key=s3cr3t',
    '6:15 upstream: a base URL has no query; remove ? and what follows',
  ),
  route(
    'an upstream with a fragment',
    'upstream: "https://api.example/#x"',
    '6:15 upstream: a URL here has no fragment; remove # and what follows',
  ),
  route(
    'an upstream with a backslash',
    "upstream: 'https://api.example\\@evil.example'",
    '6:15 upstream: a URL has no backslash; write /',
  ),
  route(
    'an upstream that is not http',
    'upstream: ftp://api.example',
    '6:15 upstream: only http:// and https:// URLs are supported',
  ),
  route(
    'an upstream that is no URL',
    'upstream: https://api..example:port',
    '6:15 upstream: this is not a URL; write https://host/path',
  ),
  route(
    'an upstream without a host',
    'upstream: https:///x',
    '6:15 upstream: the URL has no host; write https://host/path',
  ),
  route(
    'an upstream with one slash',
    'upstream: https:/api.example',
    '6:15 upstream: two slashes must follow the scheme; write https://host/path',
  ),
  route(
    'an upstream with dot segments',
    'upstream: https://api.example/v1/../v2',
    '6:15 upstream: the path has a dot segment; write the path it means',
  ),
  route(
    'an upstream with encoded dot segments',
    'upstream: https://api.example/v1/%2e%2E/v2',
    '6:15 upstream: the path has a dot segment; write the path it means',
  ),
  route(
    'an upstream with an empty segment',
    'upstream: https://api.example//v2',
    '6:15 upstream: the path has an empty segment (//); write single slashes',
  ),
  route(
    'an upstream with a space',
    'upstream: "https://api.example/a b"',
    '6:15 upstream: a URL has no spaces and no control characters; percent-encode them',
  ),
  route(
    'an upstream host with a trailing dot',
    'upstream: https://api.example.',
    '6:15 upstream: the host must not end in a dot; remove it',
  ),
  route(
    'a link-local upstream',
    'upstream: https://169.254.169.254/latest',
    '6:15 upstream: the host is a link-local or metadata address; a credential never goes there',
  ),
  route(
    'a link-local upstream in another notation',
    'upstream: https://0xa9fea9fe/',
    '6:15 upstream: the host is a link-local or metadata address; a credential never goes there',
  ),
  route(
    'a link-local IPv6 upstream',
    'upstream: "https://[fe80::1]/"',
    '6:15 upstream: the host is a link-local or metadata address; a credential never goes there',
  ),
  route(
    'an IPv4 upstream written as IPv6',
    'upstream: "https://[::ffff:127.0.0.1]/"',
    '6:15 upstream: the host is an IPv4 address written as IPv6; write the IPv4 address',
  ),
  route(
    'a metadata name as upstream',
    'upstream: https://metadata.google.internal/',
    '6:15 upstream: the host is a link-local or metadata address; a credential never goes there',
  ),
  route(
    'http beyond loopback',
    'upstream: http://api.example',
    '6:15 upstream: http:// shows the token to the network; write https://, or set allow_insecure: true on this route',
  ),
  route(
    'our own listener as upstream',
    'upstream: http://localhost:8080',
    "6:15 upstream: this is Cupbearer's own listener; write the address of the API",
  ),
  route(
    'our admin listener as upstream',
    'upstream: http://127.0.0.1:9090/x',
    "6:15 upstream: this is Cupbearer's admin listener; write the address of the API",
  ),
  route(
    'a relative upstream without a slash',
    'upstream: v2',
    "6:15 an upstream is https://host/path, or a path under the provider's base_url that begins with a slash",
  ),
  route(
    'a relative upstream that names a host',
    'upstream: //evil.example/x',
    '6:15 upstream: the path has an empty segment (//); write single slashes',
  ),
  route(
    'a relative upstream with dot segments',
    'upstream: /../admin',
    '6:15 upstream: the path has a dot segment; write the path it means',
  ),
  file(
    'no upstream and no base_url',
    'providers:\n  p: { token: { url: https://id.example/token } }\ncredentials:\n  x: { provider: p, client_id: a, client_secret: b }\nroutes:\n  /a: { credential: x }\n  /b: { credential: x, upstream: /v1 }\n',
    '6:3 the upstream is missing and provider p has no base_url; write upstream: https://host/path',
    '7:34 the upstream is relative and provider p has no base_url; write upstream: https://host/path',
  ),
  // listeners
  server(
    'a listener beyond loopback',
    'listen: 0.0.0.0:8080',
    '6:11 beyond loopback everyone on the network could use the credentials; listen on 127.0.0.1, add callers: or tls.client_ca, or set allow_anonymous: true',
  ),
  server(
    'admin on the address of listen',
    'admin: localhost:8080',
    '6:10 admin and listen are the same address; give admin another port, or write off',
  ),
  server(
    'an address that is only a port',
    'listen: 8080',
    '6:11 an address is host:port or unix:/path; got a number',
  ),
  server('a port beyond 65535', 'listen: 127.0.0.1:80800', '6:11 a port is at most 65535'),
  server('an address without a port', 'listen: localhost', '6:11 an address is host:port or unix:/path'),
  server(
    'a host with a port',
    'hosts: ["proxy:8080"]',
    '6:11 a host is a name or address without scheme and port',
  ),
  server(
    'origins that no browser sends',
    `origins:
  - https://example.com
  - https://*.example.com
  - "*"
  - https://Example.com
  - https://example.com/
  - https://example.com/app
  - https://example.com:443
  - http://example.com:80
  - http://example.com:443
  - https://example.com:08443
  - https://127.1
  - https://bücher.example
  - app://localhost
  - chrome-extension://abcdefgh`,
    '8:7 an origin is scheme://host or scheme://host:port, in lower case, without path and wildcard',
    '9:7 an origin is scheme://host or scheme://host:port, in lower case, without path and wildcard',
    '10:7 an origin is scheme://host or scheme://host:port, in lower case, without path and wildcard',
    '11:7 an origin is scheme://host or scheme://host:port, in lower case, without path and wildcard',
    '12:7 an origin is scheme://host or scheme://host:port, in lower case, without path and wildcard',
    '13:7 no browser sends this origin; leave out :80 of http and :443 of https, and write the host as in a URL',
    '14:7 no browser sends this origin; leave out :80 of http and :443 of https, and write the host as in a URL',
    '16:7 no browser sends this origin; leave out :80 of http and :443 of https, and write the host as in a URL',
    '17:7 no browser sends this origin; leave out :80 of http and :443 of https, and write the host as in a URL',
    '18:7 an origin is scheme://host or scheme://host:port, in lower case, without path and wildcard',
  ),
  server(
    'time limits of nothing',
    'header_timeout: 0s\nbody_timeout: 0ms\nsend_timeout: 0.4ms',
    '6:19 a time limit must be more than 0',
    '7:17 a time limit must be more than 0',
    '8:17 a time limit must be more than 0',
  ),
  server(
    'times that no timer waits',
    'shutdown_grace: 25d\nheader_timeout: 2147483648ms\nbody_timeout: 600h\nsend_timeout: 99999999999999999d',
    '6:19 this may be at most 24d',
    '7:19 this may be at most 24d',
    '8:17 this may be at most 24d',
    '9:17 this may be at most 24d',
  ),
  server('a size beyond counting', 'max_body_buffer: 99999999999GiB', '6:20 this size is too large to count'),
  route(
    'upstream time limits of nothing',
    'timeout: { connect: 0s, response: 0s, idle: 0s }',
    '6:25 a time limit must be more than 0',
    '6:39 a time limit must be more than 0',
    '6:49 a time limit must be more than 0',
  ),
  route(
    'an upstream time limit that no timer waits',
    'timeout: { connect: 25d }',
    '6:25 this may be at most 24d',
  ),
  route(
    'WebSockets without the method they begin with',
    'methods: [POST, HEAD]\n    upgrade: true',
    '7:14 a WebSocket begins with GET, which methods leaves out; add GET to it, or remove upgrade',
  ),
  route(
    'caller keys that no field carries',
    'callers: [one]\ncallers:\n  one: { key: " key-of-billing-1" }\n  two: { key: [key-of-billing-2, "key-of-\\u0001billing-3"] }\n  three: { key: "key-of-billing-4\\n" }\n  four: { key: "key of billing-5" }',
    '8:15 the key of caller one begins or ends with white space or has a control character, which X-Api-Key cannot carry; remove it',
    '9:34 the key of caller two begins or ends with white space or has a control character, which X-Api-Key cannot carry; remove it',
    '10:17 the key of caller three begins or ends with white space or has a control character, which X-Api-Key cannot carry; remove it',
  ),
  credential(
    'a lifetime beyond counting',
    'provider: realer\nclient_id: a\nclient_secret: b\ndefault_lifetime: 999999999999d',
    '6:23 this duration is too long to count',
  ),
  // what a grant needs
  credential(
    'client_credentials without id and secret',
    'provider: realer',
    '2:3 client_id is missing: provider realer wants client_secret_basic; write client_id: ${NAME}',
    '2:3 client_secret is missing: provider realer wants client_secret_basic; write client_secret: ${NAME} or ${file:/path}',
  ),
  file(
    'client_credentials without an id at a public client',
    'credentials:\n  x: { provider: p }\nroutes: { /a: { credential: x } }\nproviders: { p: { extends: realer, token: { client_auth: none } } }\n',
    '2:3 client_id is missing: grant_type client_credentials needs it; write client_id: ${NAME}',
  ),
  credential(
    'refresh_token without a token',
    'provider: revo-digital\ngrant_type: refresh_token\nclient_id: a\nclient_secret: b',
    '2:3 refresh_token is missing: grant_type refresh_token starts with one; write refresh_token: ${NAME} or ${file:/path}',
  ),
  credential(
    'password without name and password',
    'provider: servicenow\nbase_url: https://acme.example\ngrant_type: password\nclient_id: a\nclient_secret: b',
    '2:3 username is missing: grant_type password needs it; write username: ${NAME}',
    '2:3 password is missing: grant_type password needs it; write password: ${NAME} or ${file:/path}',
  ),
  credential(
    'a tenant placeholder without a tenant',
    'provider: realer\nclient_id: a\nclient_secret: b\nparams: { location: "{tenant}" }',
    '2:3 {tenant} is used in a URL, params or headers and there is no tenant; write tenant: { header: X-Tenant }',
  ),
  credential(
    'a tenant field that frames the message',
    'provider: realer\nclient_id: a\nclient_secret: b\ntenant: { header: Host }',
    '6:23 the field Host is written by the proxy itself; remove it',
  ),
  credential(
    'a tenant field that carries the token',
    'provider: realer\nclient_id: a\nclient_secret: b\ntenant: { header: authorization }',
    '6:23 the tenant field comes with the token; use another name',
  ),
  credential(
    'no base_url for a relative token URL',
    'provider: vbrick-rev\nclient_id: a\nclient_secret: b',
    '3:15 the token URL of this provider is relative; give this credential a base_url',
  ),
  credential(
    'a base_url that cleartext would betray',
    'provider: realer\nclient_id: a\nclient_secret: b\nbase_url: http://api.example',
    '6:15 token URL: http:// would show the client secret to the network; write https://',
  ),
  credential(
    'a base_url with a query',
    'provider: realer\nclient_id: a\nclient_secret: b\nbase_url: https://api.example/?key=s3cr3t',
    '6:15 base_url: a base URL has no query; remove ? and what follows',
  ),
  // providers
  provider(
    'a token URL in cleartext',
    'token: { url: http://id.example/token }',
    '7:19 token URL: http:// would show the client secret to the network; write https://',
  ),
  provider(
    'a token URL at our own listener',
    'token: { url: http://127.0.0.1:8080/token }',
    "7:19 token URL: this is Cupbearer's own listener; write the provider's address",
  ),
  provider(
    'a refresh URL with a fragment',
    'refresh: { url: "https://id.example/token#x" }',
    '7:21 refresh URL: a URL here has no fragment; remove # and what follows',
  ),
  provider(
    'a token URL with a tenant in it',
    'token: { url: "https://id.example/{tenant}/token" }',
    '2:3 {tenant} is used in a URL, params or headers and there is no tenant; write tenant: { header: X-Tenant }',
  ),
  provider(
    'a token URL with a tenant in its host',
    'token: { url: "https://{tenant}.example/token" }',
    '2:3 {tenant} is used in a URL, params or headers and there is no tenant; write tenant: { header: X-Tenant }',
    '7:19 token URL: the host has a brace; write the host itself, without a placeholder',
  ),
  provider(
    'an expression that does not compile',
    'refused: { body: "(expired" }',
    '7:22 this is not a regular expression (ECMAScript); check brackets and escapes',
  ),
  provider(
    'an error expression that does not compile',
    'response: { errors: [{ match: "[", as: invalid_grant }] }',
    '7:35 this is not a regular expression (ECMAScript); check brackets and escapes',
  ),
  provider(
    'an error code that is none',
    'response: { errors: [{ match: x, as: bad_grant }] }',
    '7:42 this is not an error code of RFC 6749 §5.2, such as invalid_grant',
  ),
  provider(
    'a template with an open brace',
    'attach: { value: "Bearer {access_token" }',
    '7:22 a brace does not enclose a name of the token answer; write {access_token}',
  ),
  provider(
    'a template with empty braces',
    'attach: { value: "Bearer {}" }',
    '7:22 a brace does not enclose a name of the token answer; write {access_token}',
  ),
  provider(
    'a template over two lines',
    'attach: { value: "Bearer\\n{access_token}" }',
    '7:22 a field value is one line; remove the line break',
  ),
  provider(
    'a token in a framing field',
    'attach: { header: Content-Length }',
    '7:23 the field Content-Length is written by the proxy itself; remove it',
  ),
  provider(
    'further fields that frame the message',
    'attach: { headers: { Host: x, X_A: "a\\r\\nb" } }',
    '7:26 the field Host is written by the proxy itself; remove it',
    '7:40 a field value is one line; remove the line break',
  ),
  provider(
    'a tenant in a token field without a tenant',
    'token: { headers: { X-Org: "{tenant}" } }',
    '2:3 {tenant} is used in a URL, params or headers and there is no tenant; write tenant: { header: X-Tenant }',
  ),
  provider(
    'JSON by GET',
    'token: { method: GET, encoding: json }',
    '5:3 provider "p" token: GET carries no JSON; use encoding: query',
  ),
  file(
    'a provider without a token URL',
    'providers:\n  p: { base_url: https://api.example }\ncredentials:\n  x: { provider: p, client_id: a, client_secret: b }\nroutes:\n  /a: { credential: x }\n',
    '2:3 provider "p" has no token.url; write it, or grant_type: static in a credential whose key is sent as it is',
  ),
  // fields and methods of a route
  route(
    'fields that only the proxy writes',
    'headers: { set: { Host: x, Transfer-Encoding: chunked, Content_Length: "1" } }',
    '6:23 the field Host is written by the proxy itself; remove it',
    '6:32 the field Transfer-Encoding is written by the proxy itself; remove it',
    '6:60 the field Content_Length is written by the proxy itself; remove it',
  ),
  route(
    'the field that carries the token',
    'headers: { set: { authorization: x } }',
    '6:23 the field authorization comes with the token; remove it',
  ),
  route(
    'a field value with a line break',
    'headers: { set: { X-A: "a\\r\\nX-B: s3cr3t" } }',
    '6:28 a field value is one line; remove the line break',
  ),
  route(
    'a field to remove that is no name',
    'headers: { remove: ["a b"] }',
    '6:25 this is not a field name (RFC 9110 §5.1)',
  ),
  route(
    'methods that never pass',
    'methods: [get, trace, "P T"]',
    '6:20 TRACE and CONNECT are never forwarded; remove it',
    '6:27 this is not a method name (RFC 9110 §9.1)',
  ),
  // TLS
  route(
    'a certificate without its key',
    'tls: { cert: text.txt }',
    '6:18 cert needs key: the file of its private key',
  ),
  route(
    'TLS files that are not there',
    'tls: { ca: gone/ca.pem }',
    '6:16 cannot read the file: there is no such file',
  ),
  route(
    'TLS files that are not PEM',
    'tls: { cert: text.txt, key: text.txt }',
    "6:5 these files make no TLS identity (ERR_OSSL_PEM_NO_START_LINE); they must be PEM, the key unencrypted and the certificate's own",
  ),
  route(
    'TLS for a cleartext upstream',
    'upstream: http://127.0.0.1:3000\n    tls: { ca: text.txt }',
    '7:5 tls is for https:// upstreams; remove it',
    '7:16 the file of authorities is unusable: there is no certificate; it must be PEM certificates, each whole',
  ),
];

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type BadFile, credential, file, provider, realer, server } from './bad-files.ts';

/* What can be wrong with sessions, logins and client authentication. */

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code';
const key = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';

/** A private key as a JWK in a YAML scalar. */
const jwk = (key: KeyObject): string => `'${JSON.stringify(key.export({ format: 'jwk' }))}'`;
const p256 = jwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const p521 = jwk(generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey);
const rsa1024 = jwk(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);

/** A store section, whose keys begin on line 6. */
function store(title: string, lines: string, ...problems: string[]): BadFile {
  const text = `${realer}routes:\n  /a: { credential: realer }\nstore:\n  ${lines.replaceAll('\n', '\n  ')}\n`;
  return { title, text, problems };
}

/** Credentials a, b, … from line 2 on, all routed. */
function credentials(title: string, entries: readonly string[], ...problems: string[]): BadFile {
  const names = entries.map((entry) => entry.slice(0, entry.indexOf(':')));
  const routes = names.map((name) => `  /${name}: { credential: ${name} }`);
  return {
    title,
    text: `credentials:\n  ${entries.join('\n  ')}\nroutes:\n${routes.join('\n')}\n`,
    problems,
  };
}

/** Credential `x` (2:3), keys from line 4 on, of provider `p`, which extends realer, its keys on line 9 and after. */
function both(title: string, lines: string, spec: string, ...problems: string[]): BadFile {
  const written = lines.split('\n').map((line) => `    ${line}\n`);
  const text = `credentials:\n  x:\n    provider: p\n${written.join('')}routes: { /a: { credential: x } }\nproviders:\n  p:\n    extends: realer\n    ${spec}\n`;
  return { title, text, problems };
}

/** Credential `x` (2:3), keys from line 4 on, of a provider `any` that takes every grant. */
function anyGrant(title: string, lines: string, ...problems: string[]): BadFile {
  const { text } = credential(title, `provider: any\n${lines}`);
  return { title, text: text + takesAny, problems };
}

const takesAny = 'providers: { any: { base_url: "https://api.example", token: { url: /token } } }\n';

const client = 'client_id: a\nclient_secret: b';

export const badSessions: readonly BadFile[] = [
  // the store
  store(
    'a store of another kind',
    'url: postgres://me:s3cr3t@db',
    '6:8 a store is memory:, sqlite:/path, redis://host:6379/0 or rediss://…',
  ),
  store(
    'a database that is a directory',
    `url: sqlite:/var/lib/\nkey: ${key}`,
    '6:8 a store is memory:, sqlite:/path, redis://host:6379/0 or rediss://…',
  ),
  store(
    'a Redis password that is not percent-encoded',
    `url: redis://:s3cr3t#1@redis:6379\nkey: ${key}`,
    '6:8 this is not a URL; percent-encode what is special in the password',
  ),
  store(
    'a Redis password with a slash',
    `url: rediss://me/s3cr3t@redis:6379\nkey: ${key}`,
    '6:8 after the host a Redis URL has the number of the database alone; write redis://host:6379/0',
  ),
  store(
    'a Redis URL without a host',
    `url: redis:///0\nkey: ${key}`,
    '6:8 the URL has no host; write redis://host:6379/0',
  ),
  store(
    'a Redis URL as a list',
    'url: [rediss://:s3/cr3t@redis]\nkey: s3cr3t',
    '6:8 a store is memory:, sqlite:/path, redis://host:6379/0 or rediss://…; got a list',
    '7:8 a store key is 32 bytes in base64; make one with `openssl rand -base64 32`',
  ),
  store(
    'a database without a key',
    'url: sqlite:/var/lib/cupbearer.db',
    '5:1 key is missing: what is stored is sealed with it; write key: ${file:/path}, 32 bytes in base64, made with `openssl rand -base64 32`',
  ),
  store('no store keys', 'url: rediss://redis\nkey: []', '7:8 needs at least one key'),
  store(
    'a store key of another length',
    'url: sqlite:a.db\nkey: [czNjcjN0czNjcjN0]',
    '7:9 a store key is 32 bytes in base64; make one with `openssl rand -base64 32`',
  ),
  server('no replica at all', 'replicas: 0', '6:13 must be at least 1'),
  file(
    'several replicas with sessions in memory',
    `credentials:\n  a: { provider: revo-digital, grant_type: refresh_token, refresh_token: s3cr3t, client_id: a, client_secret: b }\n  b: { provider: revo-digital, grant_type: authorization_code, client_id: a, client_secret: b }\n  c: { provider: realer, client_id: a, client_secret: b }\nroutes: { /a: { credential: a }, /b: { credential: b }, /c: { credential: c } }\nserver: { replicas: 2 }\n`,
    `6:21 each of the 2 keeps the session of a and b in its own memory; write store: { url: rediss://…, key: … }`,
  ),
  // logins
  credential(
    'a login without a place for it',
    `provider: revolution\nclient_id: a\ngrant_type: authorization_code`,
    '5:5 provider revolution does not say where a person logs in; write providers: { revolution: { authorize: { url: https://… } } }',
  ),
  credential(
    'a login without a client',
    'provider: revo-digital\ngrant_type: authorization_code',
    '2:3 client_id is missing: provider revo-digital wants client_secret_post; write client_id: ${NAME}',
  ),
  credential(
    'a signed login without a secret',
    'provider: vbrick-rev\nbase_url: https://rev.example\nclient_id: a\ngrant_type: authorization_code',
    '2:3 client_secret is missing: provider vbrick-rev wants the login signed with it; write client_secret: ${NAME} or ${file:/path}',
  ),
  anyGrant(
    'a device without a place to ask for its codes',
    `client_id: a\ngrant_type: ${deviceCode}`,
    '5:5 provider any does not say where a device asks for its codes; write providers: { any: { device_authorization: { url: https://… } } }',
  ),
  credential(
    'a redirect URI with a fragment',
    `provider: revo-digital\n${client}\ngrant_type: authorization_code\nredirect_uri: "https://app.example/back#x"`,
    '7:19 a URL here has no fragment; remove # and what follows',
  ),
  credential(
    'a redirect URI that is not absolute',
    `provider: revo-digital\n${client}\ngrant_type: authorization_code\nredirect_uri: /callback`,
    '7:19 only http:// and https:// URLs are supported',
  ),
  credential(
    'a redirect URI in cleartext',
    `provider: revo-digital\n${client}\ngrant_type: authorization_code\nredirect_uri: http://app.example/back`,
    '7:19 http:// would show the code to the network; write https://, or a loopback address',
  ),
  provider(
    'a login page in cleartext',
    'authorize: { url: http://id.example/login }',
    '7:23 authorize URL: http:// would show the login to the network; write https://',
  ),
  provider(
    'a revocation URL at our own listener',
    'revoke: { url: "https://localhost:8080/x" }',
    "7:20 revoke URL: this is Cupbearer's own listener; write the provider's address",
  ),
  provider('a revocation without a URL', 'extend: { method: PUT }', '5:3 provider "p" has no extend.url'),
  provider(
    'an exchange that asks by GET and JSON',
    'exchange: { method: GET, encoding: json }',
    '5:3 provider "p" exchange: GET carries no JSON; use encoding: query',
  ),
  provider(
    'a framing field in a further request',
    'device_authorization: { url: /d, headers: { Host: x } }',
    '7:49 the field Host is written by the proxy itself; remove it',
  ),
  provider(
    'a signature of another kind',
    'authorize: { url: /a, signature: { param: s, text_param: t, text: x, algorithm: RS256 } }',
    '7:85 expected HS256; did you mean `HS256`?',
  ),
  credential(
    'a revocation that the provider does not have',
    `provider: revo-digital\n${client}\nrevoke_on_shutdown: true`,
    '6:5 provider revo-digital does not say where a token is revoked; write providers: { revo-digital: { revoke: { url: https://… } } }, or remove it',
  ),
  credential(
    'a revocation that a preset takes back',
    'provider: realer-mqtt\nrevoke_on_shutdown: true\nusing: y',
    '4:5 provider realer-mqtt does not say where a token is revoked; write providers: { realer-mqtt: { revoke: { url: https://… } } }, or remove it',
    '5:12 unknown credential `y`',
  ),
  // grants that the provider does not take
  credential(
    'a grant that the preset does not take',
    'provider: realer\nclient_id: a\nclient_secret: b\ngrant_type: password',
    '6:17 provider realer does not take grant_type password; write client_credentials, or allow it: providers: { realer: { grant_types: [client_credentials, password] } }',
  ),
  credential(
    'a grant that a vendor of logins does not take',
    'provider: hubspot\ngrant_type: client_credentials',
    '4:17 provider hubspot does not take grant_type client_credentials; write authorization_code or refresh_token or static, or allow it: providers: { hubspot: { grant_types: [authorization_code, refresh_token, static, client_credentials] } }',
  ),
  provider(
    'a grant type that there is not',
    'grant_types: [client_credentials, implicit]',
    '7:39 expected one of client_credentials, refresh_token, authorization_code, urn:ietf:params:oauth:grant-type:device_code, password, urn:ietf:params:oauth:grant-type:jwt-bearer, urn:ietf:params:oauth:grant-type:token-exchange, static',
  ),
  provider('no grant types at all', 'grant_types: []', '7:18 needs at least one grant type'),
  // keys that the grant does not use
  credential(
    'a refresh token that no grant asks for',
    `provider: realer\n${client}\nrefresh_token: s3cr3t\nusername: u`,
    `6:5 grant_type client_credentials does not use \`refresh_token\`; remove it`,
    '7:5 grant_type client_credentials does not use `username`; remove it',
  ),
  credential(
    'an assertion that no grant asks for',
    `provider: realer\n${client}\nassertion: s3cr3t\nsubject_token_type: jwt`,
    `6:5 grant_type client_credentials does not use \`assertion\`; remove it`,
    `7:5 grant_type client_credentials does not use \`subject_token_type\`; remove it`,
  ),
  // assertions and exchanges
  anyGrant(
    'jwt-bearer without an assertion',
    `grant_type: ${jwtBearer}`,
    '2:3 assertion is missing: grant_type jwt-bearer sends one, or signs assertion_claims with private_key; write assertion: ${NAME} or ${file:/path}',
  ),
  anyGrant(
    'claims without a key',
    `grant_type: ${jwtBearer}\nassertion_claims: { iss: me }`,
    '2:3 private_key is missing: assertion_claims are signed with it; write private_key: ${NAME} or ${file:/path}',
  ),
  anyGrant(
    'an assertion and claims',
    `grant_type: ${jwtBearer}\nassertion: s3cr3t\nprivate_key: ${p256}\nassertion_claims: { iss: me }`,
    '7:5 there is an assertion already; keep assertion or assertion_claims',
  ),
  anyGrant(
    'claims that are ours to write',
    `grant_type: ${jwtBearer}\nprivate_key: ${p256}\nassertion_claims: { iss: me, exp: 4102444800, iat: 1, jti: same }`,
    '6:34 exp is written anew for each assertion; remove it',
    '6:51 iat is written anew for each assertion; remove it',
    '6:59 jti is written anew for each assertion; remove it',
  ),
  both(
    'claims of a proof that are ours to write',
    `${client}\nassertion_claims: { aud: id, exp: 4102444800 }`,
    'token: { client_auth: client_secret_jwt }',
    '6:34 exp is written anew for each assertion; remove it',
  ),
  both(
    'an assertion, and claims that are not of the proof',
    `${client}\ngrant_type: ${jwtBearer}\nassertion: s3cr3t\nassertion_claims: { aud: id, iss: me, sub: you }`,
    `token: { client_auth: client_secret_jwt }\n    grant_types: ["${jwtBearer}"]`,
    '8:34 there is an assertion already, and the proof of who the client is takes aud alone; remove iss',
    '8:43 there is an assertion already, and the proof of who the client is takes aud alone; remove sub',
  ),
  both(
    'an assertion, a ready proof, and claims',
    `client_id: a\ngrant_type: ${jwtBearer}\nassertion: s3cr3t\nclient_assertion: s3cr3t\nassertion_claims: { aud: id }`,
    `token: { client_auth: private_key_jwt }\n    grant_types: ["${jwtBearer}"]`,
    '8:5 there is an assertion already; keep assertion or assertion_claims',
  ),
  both(
    'a ready proof, and claims',
    'client_id: a\nclient_assertion: s3cr3t\nassertion_claims: { aud: id }',
    'token: { client_auth: private_key_jwt }',
    `6:23 assertion_claims are not used: provider p has client_auth private_key_jwt; remove them`,
  ),
  both(
    'claims where a secret proves it',
    `${client}\nassertion_claims: { aud: id }`,
    'token: { client_auth: client_secret_post }',
    `6:23 assertion_claims are not used: provider p has client_auth client_secret_post; remove them`,
  ),
  anyGrant(
    'a key of another grant',
    `${client}\nrefresh_token: s3cr3t\nusername: u`,
    `6:5 grant_type client_credentials does not use \`refresh_token\`; remove it, or write grant_type: refresh_token or authorization_code or ${deviceCode}`,
    '7:5 grant_type client_credentials does not use `username`; remove it, or write grant_type: password',
  ),
  anyGrant(
    'claims that nothing signs',
    `${client}\nassertion_claims: { iss: me }`,
    `6:23 assertion_claims are not used: provider any has client_auth client_secret_basic; remove them, or write grant_type: ${jwtBearer}`,
  ),
  anyGrant(
    'a secret without an id',
    `grant_type: ${jwtBearer}\nassertion: s3cr3t\nclient_secret: s3cr3t`,
    '2:3 client_id is missing: provider any wants client_secret_basic; write client_id: ${NAME}',
  ),
  anyGrant(
    'a token exchange without a token',
    `grant_type: ${tokenExchange}`,
    '2:3 subject_token is missing: grant_type token-exchange exchanges one, or the token of the credential in using; write subject_token: ${NAME} or ${file:/path}',
  ),
  anyGrant(
    'an actor without its type, and a type without an actor',
    `grant_type: ${tokenExchange}\nsubject_token: s3cr3t\nactor_token: s3cr3t`,
    '6:5 actor_token needs actor_token_type (RFC 8693 §2.1)',
  ),
  anyGrant(
    'a type without an actor',
    `grant_type: ${tokenExchange}\nsubject_token: s3cr3t\nactor_token_type: jwt`,
    '6:5 actor_token_type needs actor_token (RFC 8693 §2.1)',
  ),
  file(
    'two tokens to exchange',
    `credentials:\n  a: { provider: any, grant_type: "${tokenExchange}", subject_token: s3cr3t, using: b }\n  b: { provider: realer, client_id: a, client_secret: b }\nroutes: { /a: { credential: a } }\n${takesAny}`,
    '2:109 there is a subject_token already; keep subject_token or using',
  ),
  credential(
    'resources that are not absolute URIs',
    `provider: realer\n${client}\nresource: ["https://api.example/", "/v1", "https://api.example/#x"]`,
    '6:40 a resource is an absolute URI without fragment (RFC 8707 §2)',
    '6:47 a resource is an absolute URI without fragment (RFC 8707 §2)',
  ),
  credential(
    'a resource that is not an absolute URI',
    `provider: realer\n${client}\nresource: api`,
    '6:15 a resource is an absolute URI without fragment (RFC 8707 §2)',
  ),
  // another credential's token
  credentials(
    'a credential that uses itself, and one that is not there',
    ['one: { provider: realer-mqtt, using: one }', 'two: { provider: realer-mqtt, using: oen }'],
    '2:40 the credential uses itself; name the one whose token it needs',
    '3:40 unknown credential `oen`; did you mean `one`?',
  ),
  credentials(
    'credentials that use each other',
    [
      'a: { provider: realer-mqtt, using: b }',
      'b: { provider: realer-mqtt, using: c }',
      'c: { provider: realer-mqtt, using: b }',
    ],
    '3:38 the credential uses itself: b → c → b',
    '4:38 the credential uses itself: c → b → c',
  ),
  credentials(
    'a token used by a grant that has no place for it',
    [
      'a: { provider: realer, client_id: a, client_secret: b }',
      'b: { provider: revo-digital, grant_type: refresh_token, refresh_token: r, client_id: a, client_secret: b, using: a }',
    ],
    `3:109 grant_type refresh_token does not use \`using\`; remove it`,
  ),
  credentials(
    'a token whose tenant nobody names',
    [
      'a: { provider: realer, client_id: a, client_secret: b, tenant: { header: X-Org } }',
      'b: { provider: realer-mqtt, using: a }',
    ],
    '3:38 credential a has tenants; write tenant: { header: X-Org } for b too',
  ),
  credentials(
    'a token and a secret for the same field',
    [
      'a: { provider: realer, client_id: a, client_secret: b }',
      'b: { provider: realer, client_id: a, client_secret: b, using: a }',
    ],
    '3:65 the token of a goes into Authorization, where provider realer has the client secret; write client_auth: none or client_secret_post under its token:',
  ),
  // client authentication
  both(
    'a proof by key without a key',
    'client_id: a',
    'token: { client_auth: private_key_jwt }',
    '2:3 private_key is missing: provider p wants private_key_jwt, with a key or a client_assertion; write private_key: ${NAME} or ${file:/path}',
  ),
  both(
    'a private key that is none',
    'client_id: a\nprivate_key: s3cr3t',
    'token: { client_auth: private_key_jwt }',
    '5:18 this is no private key; write one in PEM that is not encrypted (PKCS #8), or a JWK',
  ),
  both(
    'a private key of a curve that nothing here signs with',
    `client_id: a\nprivate_key: ${p521}`,
    'token: { client_auth: private_key_jwt }',
    '5:18 a key of this kind (ec secp521r1) signs nothing here; use RSA of 2048 bits or more, P-256, P-384 or Ed25519',
  ),
  both(
    'a private key that is too short',
    `client_id: a\nprivate_key: ${rsa1024}`,
    'token: { client_auth: private_key_jwt }',
    '5:18 a key of this kind (rsa 1024) signs nothing here; use RSA of 2048 bits or more, P-256, P-384 or Ed25519',
  ),
  both(
    'an algorithm that does not fit the key',
    `client_id: a\nprivate_key: ${p256}\nsigning_alg: RS256`,
    'token: { client_auth: private_key_jwt }',
    '6:18 RS256 does not fit the private key (ec prime256v1); write ES256',
  ),
  both(
    'an algorithm that does not fit the secret',
    `${client}\nsigning_alg: ES256`,
    'token: { client_auth: client_secret_jwt }',
    '6:18 ES256 does not fit client_secret_jwt, which signs with the client secret; write HS256 or HS512',
  ),
  both(
    'a proof by secret without a secret',
    'client_id: a',
    'token: { client_auth: client_secret_jwt }',
    '2:3 client_secret is missing: provider p wants client_secret_jwt; write client_secret: ${NAME} or ${file:/path}',
  ),
  credential(
    'keys for a provider that wants a secret',
    `provider: realer\n${client}\nprivate_key: ${p256}\nclient_assertion: s3cr3t`,
    '6:18 private_key is not used: provider realer has client_auth client_secret_basic; remove it, or write client_auth: private_key_jwt there',
    '7:23 client_assertion is not used: provider realer has client_auth client_secret_basic; remove it, or write client_auth: private_key_jwt there',
  ),
  both(
    'a key and a ready assertion',
    `client_id: a\nprivate_key: ${p256}\nclient_assertion: s3cr3t`,
    'token: { client_auth: private_key_jwt }',
    '5:18 private_key is not used: client_assertion is sent; remove it',
  ),
  both(
    'a proof by certificate without one',
    'client_id: a',
    'token: { client_auth: tls_client_auth }',
    '2:3 tls.cert and tls.key are missing: provider p wants tls_client_auth; write tls: { cert: /path.pem, key: /path.pem }',
  ),
  both(
    'a certificate that is not there, without its key',
    'client_id: a\ntls: { cert: gone.pem }',
    'token: { client_auth: tls_client_auth }',
    '5:18 cert needs key: the file of its private key',
    '5:18 cannot read the file: there is no such file',
  ),
  both(
    'a proof by certificate in cleartext',
    'client_id: a\nbase_url: http://127.0.0.1:3000\ntls: { cert: text.txt, key: text.txt }',
    'token: { client_auth: tls_client_auth }',
    '3:15 tls_client_auth needs an https:// token URL',
    '6:5 tls is for https:// token endpoints; remove it',
    "6:5 these files make no TLS identity (ERR_OSSL_PEM_NO_START_LINE); they must be PEM, the key unencrypted and the certificate's own",
  ),
  credential(
    'no client secrets at all',
    'provider: realer\nclient_id: a\nclient_secret: []',
    '5:20 needs at least one secret',
  ),
];

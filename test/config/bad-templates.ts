import { type BadFile, file } from './bad-files.ts';

/* Parameters that would break a login, and placeholders that nothing fills in. */

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const pkce = 'is made for each login; remove it, or write pkce: none for a login page that does not know it';
const state = 'state is new for each login and checked when it comes back; remove it';
const redirect = 'redirect_uri is where the answer is waited for; write redirect_uri in the credential';
const client =
  "client_id is the credential's; write client_id there, and rename: { client_id: … } for another name";
const response = 'response_type is code, the only one that is understood here; remove it';
const names =
  '{client_id}, {client_secret}, {client_assertion}, {tenant}, {grant_type}, {scope}, {audience}, {resource}, {username}, {password}, {assertion}, {subject_token}, {subject_token_type}, {actor_token}, {actor_token_type}, {requested_token_type}, {device_code}, {refresh_token}, {code}, {redirect_uri}, {code_verifier}, {token}, {token_type_hint}';
const loginNames =
  '{client_id}, {tenant}, {timestamp}, {scope}, {audience}, {resource}, {redirect_uri}, {state}, {code_challenge}';

const store = 'store: { url: "sqlite:s.db", key: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= }';

/** Provider `p` (3:3) under oauth2, its keys from line 5 on, and a credential that logs in there. */
function login(title: string, lines: string, ...problems: string[]): BadFile {
  const spec = lines
    .split('\n')
    .map((line) => `    ${line}\n`)
    .join('');
  return file(
    title,
    `${store}\nproviders:\n  p:\n    token: { url: "https://id.example/token" }\n${spec}credentials: { x: { provider: p, grant_type: authorization_code, client_id: a, client_secret: b } }\nroutes: { /a: { credential: x, upstream: "https://api.example" } }\n`,
    ...problems,
  );
}

/** Provider `p`, its keys from line 4 on, and credential `x` on the line after them. */
function asking(title: string, credential: string, spec: readonly string[], ...problems: string[]): BadFile {
  const lines = spec.map((line) => `    ${line}\n`).join('');
  return file(
    title,
    `${store}\nproviders:\n  p:\n${lines}credentials: { x: { provider: p, client_id: a, ${credential} } }\nroutes: { /a: { credential: x, upstream: "https://api.example" } }\n`,
    ...problems,
  );
}

export const badTemplates: readonly BadFile[] = [
  login(
    'what a login stands on, written as parameters of the login page',
    'authorize:\n  url: https://id.example/auth\n  params:\n    state: fixed\n    redirect_uri: https://evil.example\n    code_challenge: null\n    code_challenge_method: plain\n    response_type: token\n    client_id: other',
    `8:9 ${state}`,
    `9:9 ${redirect}`,
    `10:9 code_challenge ${pkce}`,
    `11:9 code_challenge_method ${pkce}`,
    `12:9 ${response}`,
    `13:9 ${client}`,
  ),
  login(
    "what a login stands on, by the vendor's names",
    'authorize:\n  url: https://id.example/auth\n  rename: { client_id: apiKey }\n  params: { apiKey: other, state: null }',
    `8:17 ${client}`,
    `8:32 ${state}`,
  ),
  login(
    'other parameters that are renamed to what a login stands on',
    'authorize:\n  url: https://id.example/auth\n  rename: { scope: state, client_id: redirect_uri }',
    `7:24 ${state}`,
    `7:42 ${redirect}`,
  ),
  login(
    'a signature in the place of what a login stands on',
    'authorize:\n  url: https://id.example/auth\n  signature: { param: state, text_param: client_id, text: x }',
    `7:27 ${state}`,
    `7:46 ${client}`,
  ),
  login(
    'a login page whose address says what a login stands on',
    'authorize: { url: "https://id.example/auth?state=fixed&theme=dark" }',
    `5:23 ${state}`,
  ),
  login(
    'placeholders that a login has nothing for',
    'authorize:\n  url: "https://id.example/{client_secret}/auth"\n  params: { key: "{client_secret}", hint: "{sope}", far: "x {nothing_like_it}", for: "{scope}x" }',
    `6:12 {client_secret} is not for a login page; there is ${loginNames}`,
    `7:22 {client_secret} is not for a login page; there is ${loginNames}`,
    '7:47 unknown placeholder {sope}; did you mean {scope}?',
    `7:62 unknown placeholder {nothing_like_it}; there is ${loginNames}`,
    '7:90 {scope} has no value in a login with credential x; there is {tenant}, {timestamp}, {redirect_uri}, {state}, {code_challenge}, {client_id}',
  ),
  asking(
    'placeholders that no request has anything for',
    'client_secret: b, params: { more: "{cleint_id}" }',
    [
      'token: { url: "https://id.example/{realm}", params: { deep: { list: ["{foo.bar}"] } } }',
      'refresh: { headers: { X-Key: "{client_secrt}" } }',
    ],
    `4:19 unknown placeholder {realm}; there is ${names}`,
    `4:65 unknown placeholder {foo.bar}; there is ${names}`,
    '5:34 unknown placeholder {client_secrt}; did you mean {client_secret}?',
    '6:82 unknown placeholder {cleint_id}; did you mean {client_id}?',
  ),
  asking(
    'placeholders that this request has nothing for',
    'client_secret: b',
    ['token: { url: "https://id.example/{scope}", params: { who: "u-{username}", left_out: "{username}" } }'],
    '4:19 {scope} has no value in the token request of credential x; there is {tenant}, {client_id}, {client_secret}, {grant_type}',
    '4:64 {username} has no value in the token request of credential x; there is {tenant}, {client_id}, {client_secret}, {grant_type}',
  ),
  asking(
    'a code where nobody logs in, and a token where none is revoked',
    'client_secret: b, grant_type: refresh_token, refresh_token: s3cr3t',
    [
      'token: { url: "https://id.example/token" }',
      'refresh: { params: { code: "c-{code}", redirect_uri: "{redirect_uri}", t: "{token}!" } }',
      'revoke: { url: "https://id.example/{code}" }',
    ],
    '5:32 {code} has no value in the refresh request of credential x; there is {tenant}, {client_id}, {client_secret}, {grant_type}, {refresh_token}',
    '5:79 {token} has no value in the refresh request of credential x; there is {tenant}, {client_id}, {client_secret}, {grant_type}, {refresh_token}',
    '6:20 {code} has no value in the revoke request of credential x; there is {tenant}, {client_id}, {client_secret}, {token}, {token_type_hint}',
  ),
  asking(
    'a list where a text is needed',
    'client_secret: b, audience: [one, two]',
    ['token: { url: "https://id.example/token", headers: { X-For: "for {audience}" } }'],
    '4:65 {audience} has no value in the token request of credential x; there is {tenant}, {client_id}, {client_secret}, {grant_type}',
  ),
  asking(
    'a secret in the address that an assertion is for',
    `grant_type: "${jwtBearer}", assertion: s3cr3t, client_secret: b`,
    ['token: { url: "https://id.example/{client_secret}", client_auth: client_secret_jwt }'],
    '4:19 {client_secret} has no value where credential x names the token URL, in an assertion or a login; there is {tenant}, {client_id}',
  ),
];

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../../src/config/load.ts';
import { renderProblem } from '../../src/config/problems.ts';
import { Secret } from '../../src/config/secret.ts';
import { presets } from '../../src/provider/presets.ts';

const key = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';
const env = { STORE_KEY: key, REDIS: `rediss://:hunter2@redis.example:6379/2` };
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code';

function read(text: string, files: Record<string, string> = {}) {
  const readFile = (path: string): string => {
    const found = files[path];
    if (found === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
    return found;
  };
  const { config, problems } = load(text, { file: '/etc/cupbearer/routes.yaml', env, readFile, presets });
  return { config, problems, told: problems.map(({ level, message }) => `${level}: ${message}`) };
}

function good(text: string, files?: Record<string, string>) {
  const { config, told } = read(text, files);
  expect(told).toEqual([]);
  if (config === undefined) throw new Error('no configuration');
  return config;
}

/** Credentials as YAML flow mappings by name, all routed, sessions in a file. */
function file(entries: Record<string, string>, rest = ''): string {
  const names = Object.keys(entries);
  const store = rest.includes('store:') ? '' : `store: { url: "sqlite:/s.db", key: ${key} }\n`;
  return `credentials:\n${names.map((name) => `  ${name}: { ${entries[name]} }\n`).join('')}routes:\n${names
    .map((name) => `  /${name}: { credential: ${name} }\n`)
    .join('')}${store}${rest}`;
}

const realer = 'provider: realer, client_id: a, client_secret: b';
const session =
  'provider: revo-digital, grant_type: refresh_token, refresh_token: r, client_id: a, client_secret: b';

describe('the store', () => {
  const storeOf = (store: string, files?: Record<string, string>) =>
    good(file({ a: realer }, `store: ${store}\n`), files).store;

  it('is memory when nobody says otherwise', () => {
    expect(good(file({ a: realer }, 'store:\n')).store).toEqual({ url: { kind: 'memory' } });
  });

  it('in a file has a path beside the configuration, or an absolute one', () => {
    const path = (url: string) => storeOf(`{ url: "${url}", key: "\${STORE_KEY}" }`).url;
    expect(path('sqlite:sessions.db')).toEqual({ kind: 'sqlite', path: '/etc/cupbearer/sessions.db' });
    expect(path('sqlite:../s.db')).toEqual({ kind: 'sqlite', path: '/etc/s.db' });
    expect(path('sqlite:/var/lib/s.db')).toEqual({ kind: 'sqlite', path: '/var/lib/s.db' });
    expect(path('sqlite:///var/lib/s.db')).toEqual({ kind: 'sqlite', path: '/var/lib/s.db' });
  });

  it('in Redis has a URL that is a secret, and is read again from where it came', () => {
    const files = { '/run/redis': 'rediss://:one@redis.example\n' };
    const { url } = storeOf(`{ url: "\${file:/run/redis}", key: ${key} }`, files);
    if (url.kind !== 'redis') throw new Error(url.kind);
    expect(url.url.reveal()).toBe('rediss://:one@redis.example');
    expect(url.url.files).toEqual(['/run/redis']);
    files['/run/redis'] = 'rediss://:two@redis.example';
    expect(url.url.reread()).toBe(true);
    expect(url.url.reveal()).toBe('rediss://:two@redis.example');
    expect(JSON.stringify(url)).not.toContain('two');
  });

  it('may have several keys, each read again from its file', () => {
    const files = { '/k/1': `${key}\n`, '/k/2': key };
    const store = storeOf('{ url: "sqlite:s.db", key: ["${file:/k/1}", "${file:/k/2}"] }', files);
    const keys = [store.key ?? []].flat();
    expect(keys.map((one) => one.files)).toEqual([['/k/1'], ['/k/2']]);
    files['/k/2'] = key.replace('M', 'N');
    expect(keys.map((one) => one.reread())).toEqual([false, true]);
  });

  it('takes a key in base64url without padding', () => {
    storeOf(`{ url: "sqlite:s.db", key: ${Buffer.alloc(32, 255).toString('base64url')} }`);
  });

  it('in memory has no use for a key', () => {
    expect(read(file({ a: realer }, `store: { key: ${key} }\n`)).told).toEqual([
      'warning: a store in memory needs no key; remove it, or write url: sqlite:/path',
    ]);
  });

  it('in cleartext beyond this machine is warned of', () => {
    const told = (url: string) => read(file({ a: realer }, `store: { url: "${url}", key: ${key} }\n`)).told;
    expect(told('redis://redis.example')).toEqual([
      'warning: redis:// shows the password to the network; write rediss://',
    ]);
    expect(told('redis://127.0.0.1:6379/0')).toEqual([]);
    expect(told('redis://[::1]')).toEqual([]);
    expect(told('rediss://redis.example')).toEqual([]);
  });

  it.each([
    ['a literal', 'redis://me:hunter2@redis.example/x'],
    ['a password with a slash', 'redis://me:hun/hunter2@redis.example'],
    ['a default', '${NONE:-redis://:hunter2@redis.example/x}'],
    ['a misspelt scheme', 'reddis://:x/hunter2@redis.example'],
    ['a query', 'redis://redis.example?password=hunter2'],
    ['a variable', '${REDIS}${REDIS}'],
  ])('shows no password of Redis in a problem: %s', (_, url) => {
    const { config, problems } = read(
      file({ a: realer }, `store: { urll: x, url: "${url}", key: ${key} }\n`),
    );
    expect(config).toBeUndefined();
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.map(renderProblem).join('')).not.toContain('hunter2');
  });
});

describe('sessions in memory', () => {
  const lost = (names: string) =>
    `warning: the session of ${names} is lost on a restart: it is kept in memory; write store: { url: sqlite:/path/sessions.db, key: … }`;

  it('are warned of once, by the names of their credentials', () => {
    const entries = { a: realer, b: session, c: session.replace('refresh_token,', 'authorization_code,') };
    const { config, told, problems } = read(file(entries, 'store:\n'));
    expect(told).toEqual([lost('b and c')]);
    expect(problems[0]).toMatchObject({ line: 3, path: 'credentials.b.grant_type' });
    expect(config).toBeDefined();
  });

  it('are named up to five', () => {
    const entries = Object.fromEntries([...'abcdefg'].map((name) => [name, session]));
    expect(read(file(entries, 'store:\n')).told).toEqual([lost('a, b, c, d, e, and 2 more')]);
  });

  it('are no matter for grants that ask afresh each time, however many instances there are', () => {
    good(file({ a: realer }, 'store:\nserver: { replicas: 9 }\n'));
  });

  it('are what the shipped routes.yaml begins with, and all it is warned of', () => {
    const shipped = readFileSync(join(import.meta.dirname, '../../routes.yaml'), 'utf8');
    const names = [...shipped.matchAll(/\$\{([A-Z0-9_]+)\}/g)].map(([, name = '']) => [name, 'x']);
    const { problems } = load(shipped, { file: 'routes.yaml', env: Object.fromEntries(names), presets });
    expect(problems.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      lost('rev and revo-digital'),
    ]);
  });
});

describe('several instances', () => {
  const replicas = 'server: { replicas: 2 }\n';

  it('may share sessions in Redis', () => {
    good(file({ a: session }, `${replicas}store: { url: "\${REDIS}", key: ${key} }\n`));
  });

  it('may share a file on one host, and are told so', () => {
    expect(read(file({ a: session }, replicas)).told).toEqual([
      'warning: an SQLite file is shared on one host only; for replicas on several write url: rediss://…',
    ]);
  });
});

describe('revoke_on_shutdown', () => {
  const revoking = `provider: p, grant_type: refresh_token, refresh_token: r, client_id: a, client_secret: b, revoke_on_shutdown: true`;
  const provider =
    'providers:\n  p: { base_url: "https://id.example", token: { url: /token }, revoke: { url: /revoke } }\n';

  it('of a session that replicas share is told to take their token too', () => {
    const shared = `${provider}store: { url: "\${REDIS}", key: ${key} }\n`;
    good(file({ a: revoking }, shared));
    expect(read(file({ a: revoking }, `server: { replicas: 3 }\n${shared}`)).told).toEqual([
      'warning: all 3 replicas serve the token that one of them would revoke when it stops; remove it',
    ]);
  });
});

describe('a login', () => {
  it('needs an id and a place; a client without a secret is a public one', () => {
    const { providers } = good(
      file(
        { a: 'provider: revolution, client_id: app, grant_type: authorization_code' },
        'providers: { revolution: { authorize: { url: "https://revolution.example/login?theme=dark&for={client_id}" } } }\n',
      ),
    );
    expect(providers.a?.authorize).toMatchObject({
      url: 'https://revolution.example/login?theme=dark&for={client_id}',
      pkce: 'S256',
      code_param: 'code',
    });
    expect(providers.a?.exchange.params).toEqual({ grant_type: null });
  });

  it('may start from a refresh token', () => {
    good(file({ a: session.replace('refresh_token,', 'authorization_code,') }));
  });

  it.each([
    'https://app.example/back?x=1',
    'http://127.0.0.1:8400/callback',
    'http://[::1]:1/',
    'http://localhost/x',
  ])('may come back to %s', (uri) => {
    good(
      file({
        a: `provider: revo-digital, client_id: a, client_secret: b, grant_type: authorization_code, redirect_uri: "${uri}"`,
      }),
    );
  });

  it('on a device needs a place to ask for the codes', () => {
    const { providers } = good(
      file(
        { a: `provider: p, client_id: a, grant_type: "${deviceCode}"` },
        `providers: { p: { extends: realer, grant_types: ["${deviceCode}"], device_authorization: { url: /oauth/device } } }\n`,
      ),
    );
    expect(providers.a?.device_authorization?.url).toBe('https://api.therealer.com/oauth/device');
  });
});

describe('placeholders', () => {
  const grants = `grant_types: [client_credentials, authorization_code, password, "${tokenExchange}"]`;
  const provider = (spec: string) => `providers: { p: { extends: realer, ${grants}, ${spec} } }\n`;

  it('may stand for everything that their request has, in its address too', () => {
    const entry = `provider: p, client_id: a, client_secret: [b, c], scope: s, resource: "https://api.example"`;
    const url = 'url: "/{tenant}/{client_id}/{client_secret}?s={scope}&r={resource}&g={grant_type}"';
    good(
      file(
        { a: `${entry}, tenant: { header: X-Tenant }` },
        provider(`token: { ${url}, params: { both: "{client_id}:{client_secret}" } }`),
      ),
    );
    good(
      file(
        { a: `${entry}, grant_type: "${tokenExchange}", using: b`, b: realer },
        provider('token: { params: { deep: { list: ["x {subject_token} {subject_token_type}"] } } }'),
      ),
    );
    good(
      file(
        { a: `${entry}, grant_type: authorization_code` },
        provider(
          'authorize: { url: "/auth/{client_id}?at={timestamp}", params: { login_hint: "{scope}/{redirect_uri}", response_type: code } }, exchange: { params: { proof: "{code}.{code_verifier}" } }, refresh: { params: { more: "{code} {redirect_uri} {refresh_token}" } }, revoke: { url: "/revoke/{token}" }',
        ),
      ),
    );
  });

  it('without a value are left out where they stand alone', () => {
    const params = 'params: { login: "{username}", place: "{code}", for: ["{audience}"] }';
    good(file({ a: realer.replace('realer', 'p') }, provider(`token: { ${params} }`)));
  });

  it('may be what another grant of the same provider has', () => {
    const spec = provider('token: { params: { who: "u-{username}" } }, exchange: { params: { who: null } }');
    const login =
      'provider: p, client_id: a, client_secret: b, grant_type: password, username: u, password: s';
    good(file({ a: login }, spec));
  });

  it('in braces of another kind are none', () => {
    good(file({ a: realer.replace('realer', 'p') }, provider(`token: { headers: { X: '{"a b":{}} {1}' } }`)));
  });
});

describe('the requests of a provider', () => {
  it('lie under the base_url of the credential, all of them', () => {
    const { providers } = good(
      file(
        { a: `${realer.replace('realer', 'p')}, base_url: "https://eu.example/v1"` },
        `providers:
  p:
    extends: realer
    exchange: { url: /code }
    revoke: { url: /revoke }
    extend: { url: "/sessions/{client_id}?secret={client_secret}" }
    device_authorization: { url: https://devices.example/codes }
    authorize: { url: /login }
`,
      ),
    );
    const { a } = providers;
    expect(
      [a?.exchange, a?.revoke, a?.extend, a?.device_authorization, a?.authorize].map((one) => one?.url),
    ).toEqual([
      'https://eu.example/v1/code',
      'https://eu.example/v1/revoke',
      'https://eu.example/v1/sessions/{client_id}?secret={client_secret}',
      'https://devices.example/codes',
      'https://eu.example/v1/login',
    ]);
  });

  it('may be taken back', () => {
    const { providers } = good(
      file({ a: realer.replace('realer', 'p') }, 'providers: { p: { extends: realer, revoke: null } }\n'),
    );
    expect(providers.a?.revoke).toBeUndefined();
  });

  it('may have the tenant in the URL, never in the host', () => {
    const rest = (url: string) => `providers: { p: { extends: realer, token: { url: "${url}" } } }\n`;
    const entry = `${realer.replace('realer', 'p')}, tenant: { header: X-Org }`;
    const { providers } = good(file({ a: entry }, rest('https://id.example/{tenant}/token')));
    expect(providers.a?.token.url).toBe('https://id.example/{tenant}/token');
    expect(read(file({ a: entry }, rest('https://{tenant}.example/token'))).told).toEqual([
      'error: token URL: the host has a brace; write the host itself, without a placeholder',
    ]);
    expect(read(file({ a: entry }, rest('https://id.example/{tenant}/../token'))).told).toEqual([
      'error: token URL: the path has a dot segment; write the path it means',
    ]);
  });

  it('are each told once for the base_url they share', () => {
    expect(
      read(
        file({ a: 'provider: vbrick-rev, client_id: a, client_secret: b, base_url: "http://rev.example"' }),
      ).told,
    ).toEqual(['error: token URL: http:// would show the client secret to the network; write https://']);
  });

  it('come of a preset that extends an entry of the file too', () => {
    const { providers } = good(
      file(
        { a: realer, b: 'provider: realer-mqtt, using: a' },
        'providers: { realer: { base_url: "https://eu.therealer.example" } }\n',
      ),
    );
    expect(providers.b?.token.url).toBe('https://eu.therealer.example/iot/v1/mqtt-credentials');
    const wrong = 'providers: { realer: { base_url: "https://eu.therealer.example/?s3cr3t" } }\n';
    const { problems } = read(file({ a: realer, b: 'provider: realer-mqtt, using: a' }, wrong));
    expect(problems.map(({ path }) => path)).toEqual(['providers.realer.base_url']);
  });
});

describe("another credential's token", () => {
  it('needs no client of its own, and its credential no route', () => {
    const text = file({ b: 'provider: realer-mqtt, using: a' }).replace(
      'credentials:\n',
      `credentials:\n  a: { ${realer} }\n`,
    );
    expect(good(text).credentials.b).toMatchObject({ using: 'a', grant_type: 'client_credentials' });
  });

  it('is exchanged for that of a tenant', () => {
    good(
      file({
        company: `${session}, params: { user_type: Company }`,
        location:
          'provider: revo-digital-location, using: company, params: { companyId: c1 }, tenant: { header: X-Location }',
        fixed: 'provider: revo-digital-location, using: company, params: { companyId: c1, locationId: l1 }',
      }),
    );
  });

  it('may be what a token exchange exchanges', () => {
    const provider = `providers: { p: { extends: realer, grant_types: ["${tokenExchange}"] } }\n`;
    good(file({ a: realer, b: 'provider: p, using: a' }, provider));
  });
});

describe('assertions', () => {
  const rest = (client_auth: string) =>
    `providers: { p: { extends: realer, grant_types: [client_credentials, "${jwtBearer}"], token: { client_auth: ${client_auth} } } }\n`;
  const pem = ({ privateKey }: { privateKey: KeyObject }) =>
    String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const keys: Record<string, string> = {
    RS256: pem(generateKeyPairSync('rsa', { modulusLength: 2048 })),
    ES256: pem(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
    ES384: pem(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
    EdDSA: pem(generateKeyPairSync('ed25519')),
  };

  it.each(Object.keys(keys))('are signed with %s by a key that fits', (alg) => {
    const entry = (more: string) => `provider: p, client_id: a, private_key: "\${file:key.pem}"${more}`;
    const files = { '/etc/cupbearer/key.pem': keys[alg] ?? '' };
    const { credentials } = good(file({ a: entry(`, signing_alg: ${alg}`) }, rest('private_key_jwt')), files);
    expect(credentials.a?.private_key?.files).toEqual(['/etc/cupbearer/key.pem']);
    good(file({ a: entry('') }, rest('private_key_jwt')), files);
    const other = alg === 'ES256' ? 'ES384' : 'ES256';
    expect(read(file({ a: entry(`, signing_alg: ${other}`) }, rest('private_key_jwt')), files).told).toEqual([
      expect.stringMatching(`^error: ${other} does not fit the private key .*write ${alg}`),
    ]);
  });

  it('are refused with an encrypted or a public key, which no problem quotes', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const texts = [
      privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
      publicKey.export({ type: 'spki', format: 'pem' }),
      JSON.stringify(publicKey.export({ format: 'jwk' })),
      '{"kty":',
    ];
    for (const text of texts.map(String)) {
      const written = file(
        { a: `provider: p, client_id: a, private_key: ${JSON.stringify(text)}` },
        rest('private_key_jwt'),
      );
      const { problems, told } = read(written);
      expect(told).toEqual([
        'error: this is no private key; write one in PEM that is not encrypted (PKCS #8), or a JWK',
      ]);
      expect(problems.map(renderProblem).join('')).not.toContain(text.slice(0, 20));
    }
  });

  it('that prove who we are may have claims of their own, whatever the grant', () => {
    const claims = 'assertion_claims: { aud: "https://issuer.example" }';
    const secret = `provider: p, client_id: a, client_secret: b, ${claims}`;
    good(file({ a: secret }, rest('client_secret_jwt')));
    const key = `provider: p, client_id: a, private_key: "\${file:/key}", ${claims}`;
    good(file({ a: key }, rest('private_key_jwt')), { '/key': keys.ES256 ?? '' });
  });

  it('that prove who we are may have another audience beside a ready assertion of the grant', () => {
    const claims = 'assertion_claims: { aud: "https://issuer.example" }';
    const grant = `provider: p, client_id: a, grant_type: "${jwtBearer}", assertion: "\${file:/token}", ${claims}`;
    const files = { '/token': 'a.b.c', '/key': keys.ES256 ?? '' };
    good(file({ a: `${grant}, private_key: "\${file:/key}"` }, rest('private_key_jwt')), files);
    good(file({ a: `${grant}, client_secret: b` }, rest('client_secret_jwt')), files);
  });

  it('may be signed with the client secret', () => {
    good(
      file(
        { a: 'provider: p, client_id: a, client_secret: b, signing_alg: HS512' },
        rest('client_secret_jwt'),
      ),
    );
  });

  it('may come ready from a file', () => {
    const files = { '/var/run/token': 'a.b.c' };
    good(
      file(
        {
          proof: 'provider: p, client_id: a, client_assertion: "${file:/var/run/token}"',
          grant: `provider: q, grant_type: "${jwtBearer}", assertion: "\${file:/var/run/token}"`,
          subject: `provider: q, grant_type: "${tokenExchange}", subject_token: "\${file:/var/run/token}"`,
        },
        rest('private_key_jwt').replace(
          / }\n$/,
          ', q: { base_url: "https://api.example", token: { url: /token } } }\n',
        ),
      ),
      files,
    );
  });

  it('may be claims that we sign', () => {
    const files = { '/key': keys.RS256 ?? '' };
    const { credentials } = good(
      file(
        {
          a: `provider: p, grant_type: "${jwtBearer}", private_key: "\${file:/key}", private_key_id: k1, assertion_claims: { iss: me, aud: [a, b], n: 1 }`,
        },
        rest('client_secret_basic'),
      ),
      files,
    );
    expect(credentials.a?.assertion_claims).toEqual({ iss: 'me', aud: ['a', 'b'], n: 1 });
  });

  it('leave a client secret without use, which is warned of', () => {
    expect(
      read(
        file({
          a: 'provider: vbrick-rev, base_url: "https://rev.example", client_id: a, client_secret: b, grant_type: refresh_token, refresh_token: r',
        }),
      ).told,
    ).toEqual(['warning: client_secret is not used: provider vbrick-rev has client_auth none; remove it']);
    expect(read(file({ a: `${realer}, private_key_id: k, signing_alg: RS256` })).told).toEqual([
      'warning: private_key_id is not used: nothing is signed; remove it',
      'warning: signing_alg is not used: nothing is signed; remove it',
    ]);
  });

  it('leave a client secret in use that a parameter carries or a login is signed with', () => {
    const rev = 'provider: vbrick-rev, base_url: "https://rev.example", client_id: a, client_secret: b';
    good(
      file({
        a: `${rev}, grant_type: refresh_token, refresh_token: r, params: { pin: "{client_secret}" }`,
        b: rev,
      }),
    );
  });
});

describe('client certificates', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-mtls-'));
    const out = ['-keyout', join(directory, 'key.pem'), '-out', join(directory, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    execFileSync('openssl', [...request, ...out, '-subj', '/CN=test', '-days', '1'], { stdio: 'ignore' });
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('towards the token endpoint lie beside the configuration and get absolute paths', () => {
    const text = file(
      { a: 'provider: p, client_id: a, tls: { ca: cert.pem, cert: ./cert.pem, key: key.pem }' },
      'providers: { p: { extends: realer, token: { client_auth: tls_client_auth } } }\n',
    );
    const path = join(directory, 'routes.yaml');
    const { config, problems } = load(text, { file: path, env: {}, presets });
    expect(problems).toEqual([]);
    expect(config?.credentials.a?.tls).toEqual({
      ca: join(directory, 'cert.pem'),
      cert: join(directory, 'cert.pem'),
      key: join(directory, 'key.pem'),
    });
  });
});

describe('secrets', () => {
  it('know the files they are read from, those of defaults too', () => {
    const files = { '/a': 'sixteen letters!', '/etc/cupbearer/b': 'y' };
    const { credentials, callers } = good(
      file(
        {
          a: 'provider: realer, client_id: a, client_secret: ["${file:/a}-${file:b}-${file:/a}", "${NONE:-${file:b}}", c]',
        },
        'callers: { app: { key: "${file:/a}" } }\n',
      ),
      files,
    );
    const filesOf = (secrets: Secret | Secret[] | undefined) =>
      [secrets ?? []].flat().map((one) => one.files);
    expect(filesOf(credentials.a?.client_secret)).toEqual([
      ['/a', '/etc/cupbearer/b'],
      ['/etc/cupbearer/b'],
      [],
    ]);
    expect(filesOf(callers.app?.key)).toEqual([['/a']]);
    expect(new Secret('x').files).toEqual([]);
  });

  it('of a list are read again one by one', () => {
    const files = { '/a': 'one', '/b': 'two' };
    const { credentials } = good(
      file({ a: 'provider: realer, client_id: a, client_secret: ["${file:/a}", "${file:/b}"]' }),
      files,
    );
    files['/b'] = 'three';
    const secrets = [credentials.a?.client_secret ?? []].flat();
    expect(secrets.map((one) => one.reread())).toEqual([false, true]);
    expect(secrets.map((one) => one.reveal())).toEqual(['one', 'three']);
  });

  it.each(['private_key', 'client_assertion', 'assertion', 'subject_token', 'actor_token'])(
    'are masked as %s',
    (name) => {
      const { problems } = read(
        `credentials:\n  x: { provider: nobody, ${name}: hunter2 }\nroutes: { /x: { credential: x } }\n`,
      );
      const shown = problems.map(renderProblem).join('');
      expect(shown).toContain(`${name}: ***`);
      expect(shown).not.toContain('hunter2');
    },
  );
});

import { generateKeyPairSync } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  configuredSecrets,
  exchangeSecrets,
  keepOut,
  scrubberOf,
  withoutSecrets,
} from '../../src/cli/known-secrets.ts';
import { load } from '../../src/config/load.ts';
import { Secret } from '../../src/config/secret.ts';
import { presets } from '../../src/provider/presets.ts';
import { createScrubber } from '../../src/telemetry/scrubber.ts';

describe('the secrets of a configuration', () => {
  it('are all that it has, with the variables they come from', () => {
    const env = {
      A: 'secret-a',
      B: '',
      C: 'secret-c',
      D: 'secret-d',
      HOST: 'api.example',
      K: btoa('k'.repeat(32)),
      R: 'secret-r',
    };
    const { config, problems } = load(
      `
store: { url: "rediss://:\${R}@\${HOST}:6379/0", key: ["\${K}"] }
callers: { app: { key: [literal-key-of-app, "\${A}"] } }
credentials:
  one: { provider: realer, client_id: me, client_secret: ["\${B:-\${C}}", "\${env:D}"] }
routes: { /one: { credential: one, upstream: "https://\${HOST}/" } }
`,
      { file: 'routes.yaml', env, presets },
    );
    expect(problems.filter(({ level }) => level === 'error')).toEqual([]);
    const secrets = configuredSecrets(config!);
    expect(secrets.map((secret) => secret.reveal()).sort()).toEqual(
      [
        env.K,
        'literal-key-of-app',
        'rediss://:secret-r@api.example:6379/0',
        'secret-a',
        'secret-c',
        'secret-d',
      ].sort(),
    );
    expect([...new Set(secrets.flatMap(({ variables }) => variables))].sort()).toEqual([
      'A',
      'B',
      'C',
      'D',
      'HOST',
      'K',
      'R',
    ]);
  });

  describe('that stand where the schema has plain texts', () => {
    const files: Record<string, string> = {
      '/run/a': 'file-secret-a\n',
      '/run/b': 'file-secret-b',
      '/run/host': 'h.example',
    };
    const names = [
      ...[
        'TOKEN_HEADER',
        'TOKEN_PARAM',
        'REFRESH_PARAM',
        'REVOKE_HEADER',
        'ATTACH',
        'ATTACH_VALUE',
        'OWN_PARAM',
      ],
      ...['UNUSED', 'SET', 'EMPTY', 'DEFAULT', 'TOKEN_URL', 'BASE', 'UPSTREAM', 'CLIENT_ID', 'SCOPE'],
    ];
    const env = {
      ...Object.fromEntries(names.map((name) => [name, `value-of-${name}`])),
      EMPTY: '',
      TOKEN_URL: 'https://token.example/t',
      BASE: 'https://base.example',
      UPSTREAM: 'https://up.example/p',
    };
    const { config, problems } = load(
      `
providers:
  one:
    base_url: "\${BASE}"
    token:
      url: "\${TOKEN_URL}"
      headers: { X-Key: "key \${TOKEN_HEADER}!" }
      params: { deep: { list: ["\${TOKEN_PARAM}"] } }
    refresh: { params: { a: "\${REFRESH_PARAM}" } }
    revoke: { url: /r, headers: { X-R: "\${REVOKE_HEADER}" } }
    attach: { value: "Key \${ATTACH_VALUE}.{access_token}", headers: { X-A: "\${ATTACH}" } }
  two: { token: { url: "https://two.example/\${file:/run/a}" } }
credentials:
  one: { provider: one, client_id: "\${CLIENT_ID}", client_secret: own-secret, scope: "\${SCOPE}", params: { p: "\${OWN_PARAM}" } }
  two: { provider: two, client_id: me, client_secret: own-secret, scope: ["\${file:/run/b}"] }
routes:
  /one: { credential: one, upstream: "\${UPSTREAM}", headers: { set: { X-S: "\${EMPTY:-\${DEFAULT}}\${SET}" } } }
  /two: { credential: two, upstream: "https://\${file:/run/host}/" }
`,
      { file: '/routes.yaml', env, presets, readFile: (path) => files[path]!, modeOf: () => 0o600 },
    );
    const found = config === undefined ? [] : configuredSecrets(config);

    it('are all that a file gave, and what variables gave to fields and parameters', () => {
      expect(problems.filter(({ level }) => level === 'error')).toEqual([]);
      const sent = [
        'ATTACH',
        'ATTACH_VALUE',
        'DEFAULT',
        'OWN_PARAM',
        'REFRESH_PARAM',
        'REVOKE_HEADER',
        'SET',
      ];
      const variables = [...sent, 'TOKEN_HEADER', 'TOKEN_PARAM'];
      expect([...new Set(found.map((secret) => secret.reveal()))].sort()).toEqual(
        [
          ...variables.map((name) => `value-of-${name}`),
          ...['file-secret-a', 'file-secret-b', 'h.example', 'own-secret'],
        ].sort(),
      );
      expect([...new Set(found.flatMap((secret) => secret.variables))].sort()).toEqual(
        [...variables, 'EMPTY'].sort(),
      );
    });

    it('are known to the scrubber, and shown nowhere', () => {
      const { scrub } = scrubberOf(config!);
      expect(scrub('X-Key: key value-of-TOKEN_HEADER! of https://two.example/file-secret-a')).toBe(
        'X-Key: key [secret]! of https://two.example/[secret]',
      );
      expect(scrub('https://up.example/p')).toBe('https://up.example/p');
      expect(JSON.stringify(config!.sensitive)).not.toMatch(/value-of|file-secret/);
      expect(Object.isFrozen(config!.sensitive)).toBe(true);
    });

    it('do not go to other processes', () => {
      expect(Object.keys(withoutSecrets({ ...env, HOME: '/' }, config!)).sort()).toEqual([
        'BASE',
        'CLIENT_ID',
        'HOME',
        'SCOPE',
        'TOKEN_URL',
        'UNUSED',
        'UPSTREAM',
      ]);
    });
  });

  const known = (secret: Secret) => {
    const scrubber = createScrubber();
    keepOut([secret], scrubber);
    return scrubber;
  };

  it('are known anew when they have been read again, and those before for a while', () => {
    let text = 'the-first-secret';
    const secret = new Secret(text, () => text);
    const { scrub } = known(secret);
    expect(scrub('the-first-secret the-second-secret')).toBe('[secret] the-second-secret');
    text = 'the-second-secret';
    secret.reread();
    expect(scrub('the-first-secret the-second-secret')).toBe('[secret] [secret]');
  });

  it('are not known anew when what was read is refused', () => {
    const secret = new Secret('the-first-secret', () => 'half of a key');
    const { scrub } = known(secret);
    const check = () => {
      throw new Error('no');
    };
    expect(() => secret.reread(check)).toThrow('no');
    expect(scrub('the-first-secret half of a key')).toBe('[secret] half of a key');
  });

  it('are known by the password of a URL, as it is written and as it is sent', () => {
    const { scrub } = known(new Secret('redis://me:p%40ss-word@127.0.0.1:6379/0'));
    expect(scrub('AUTH me p@ss-word')).toBe('AUTH me [secret]');
    expect(scrub('127.0.0.1:6379')).toBe('127.0.0.1:6379');
  });

  it.each([
    ['redis://u:longpart1@longpart2@127.0.0.1:6379', 'longpart1@longpart2'],
    ['redis://aaaaaaaaa:bbbbbbbbb:ccccccccc@127.0.0.1:6379', 'bbbbbbbbb:ccccccccc'],
    ['rediss://:long%2Fpart1@127.0.0.1:6379/1', 'long/part1'],
  ])('are known by the password of %s, as the client reads it', (url, password) => {
    const { scrub } = known(new Secret(url));
    expect(scrub(`AUTH ${password}`)).toBe('AUTH [secret]');
    expect(scrub(`AUTH ${encodeURIComponent(password)}`)).toBe('AUTH [secret]');
    expect(scrub(`AUTH ${new URL(url).password}`)).toBe('AUTH [secret]');
  });

  it('are known by each line of the PEM in a key file that is JSON', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const [, line = ''] = pem.split('\n');
    const { scrub } = known(new Secret(JSON.stringify({ private_key: pem, private_key_id: 'k' }, null, 2)));
    expect(scrub(`a ${line} b`)).toBe('a [secret] b');
  });

  it('are known by each line of a PEM, and by the private numbers of a JWK', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const [, line = ''] = pem.split('\n');
    expect(known(new Secret(pem)).scrub(`a ${line} b -----BEGIN PRIVATE KEY-----`)).toBe(
      'a [secret] b -----BEGIN PRIVATE KEY-----',
    );
    const jwk = privateKey.export({ format: 'jwk' });
    const scrubbed = known(new Secret(JSON.stringify(jwk))).scrub(`a ${jwk.d} ${jwk.x} b`);
    expect(scrubbed).toBe(`a [secret] ${jwk.x} b`);
  });

  it('that were exchanged are known for a while when they are read again after that', () => {
    const scrubber = createScrubber();
    let text = 'the-first-secret';
    const secret = new Secret(text, () => text);
    const { config } = load('routes: {}', { file: 'routes.yaml', env: {}, presets });
    const after = { ...config!, sensitive: [] };
    exchangeSecrets({ ...after, sensitive: [secret] }, after, scrubber).forget();
    text = 'the-second-secret';
    secret.reread();
    expect(scrubber.scrub('the-first-secret the-second-secret')).toBe('[secret] [secret]');
  });

  it('that were exchanged do not hold those that took their place', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const scrubber = createScrubber();
    const withKey = (key: string) => {
      const text = `
callers: { app: { key: caller-key-of-some-length-${key} } }
credentials: { one: { provider: realer, client_id: me, client_secret: secret-of-some-length } }
routes: { /one: { credential: one, upstream: "https://api.example" } }
`;
      return load(text, { file: 'routes.yaml', env: {}, presets }).config!;
    };
    let config = withKey('0');
    /** Somebody still has it, such as an exchange in progress. */
    const first = configuredSecrets(config);
    const later: WeakRef<Secret>[] = [];
    for (let i = 1; i <= 5; i++) {
      const next = withKey(String(i));
      exchangeSecrets(config, next, scrubber).forget();
      config = next;
      later.push(...configuredSecrets(config).map((secret) => new WeakRef(secret)));
    }
    const isGone = () => {
      collectGarbage();
      return later.slice(0, 4).every((one) => one.deref() === undefined);
    };
    await expect.poll(isGone, { timeout: 5_000 }).toBe(true);
    expect(first).not.toEqual([]);
  });
});

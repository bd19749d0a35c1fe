import { describe, expect, it } from 'vitest';
import { type Loaded, load } from '../../src/config/load.ts';
import { renderProblem } from '../../src/config/problems.ts';
import { Secret } from '../../src/config/secret.ts';
import { presets } from '../../src/provider/presets.ts';
import { badFiles } from './bad-files.ts';
import { badSessions } from './bad-sessions.ts';
import { badTemplates } from './bad-templates.ts';

const wrong = [...badFiles, ...badSessions, ...badTemplates];

const env = { SECRET: 's3cr3t', ID: 'me', PORT: '8081', MAX: '7', YES: 'true' };

function read(text: string, files: Record<string, string> = {}): Loaded {
  const readFile = (path: string): string => {
    const found = files[path];
    if (found === undefined && !path.endsWith('text.txt'))
      throw Object.assign(new Error(path), { code: 'ENOENT' });
    return found ?? 'text';
  };
  return load(text, { file: '/etc/cupbearer/routes.yaml', env, readFile, presets });
}

function messages({ problems }: Loaded): string[] {
  return problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

/** The configuration of a text that must have no problems. */
function good(text: string, files?: Record<string, string>) {
  const loaded = read(text, files);
  expect(messages(loaded)).toEqual([]);
  if (loaded.config === undefined) throw new Error('no configuration');
  return loaded.config;
}

const realer = 'credentials:\n  realer: { provider: realer, client_id: me, client_secret: x }\n';
const shortest = `${realer}routes:\n  /realer: { credential: realer }\n`;

describe('a wrong configuration', () => {
  it.each(wrong)('is refused for $title', ({ text, problems }) => {
    const loaded = read(text);
    expect(messages(loaded)).toEqual(problems);
    expect(loaded.config).toBeUndefined();
  });

  it.each(wrong)('shows no secret for $title', ({ text }) => {
    expect(read(text).problems.map(renderProblem).join('')).not.toContain('s3cr3t');
  });

  it('is told of an unknown provider or credential even where the entry cannot be used for another reason', () => {
    const text = [
      'credentials:',
      '  a: { provider: raeler, client_id: me, client_secret: "${NOT_SET}" }',
      '  b: { provider: realer, client_id: me, client_secret: x }',
      'routes:',
      '  /x: { credential: c, replay_limit: much }',
      '',
    ].join('\n');
    expect(messages(read(text))).toEqual([
      '2:18 unknown provider `raeler`; did you mean `realer`?',
      expect.stringContaining('the environment variable NOT_SET is not set'),
      '5:21 unknown credential `c`; known: a, b',
      expect.stringContaining('a size is a number and B, KiB, MiB or GiB'),
    ]);
  });

  it('is told with all its mistakes at once, in file order, each with the line and a caret', () => {
    const text = [
      'server:',
      '  hots: []',
      'credentials:',
      '  realer:',
      '    provider: relaer',
      '    client_secret: hunter2',
      'routes:',
      '  /a/: { credential: realer, upstream: http://api.example }',
      '',
    ].join('\n');
    expect(read(text).problems.map(renderProblem).join('')).toBe(
      [
        '/etc/cupbearer/routes.yaml:2:3: unknown key `hots`; did you mean `hosts`?',
        '      hots: ***',
        '      ^',
        '/etc/cupbearer/routes.yaml:5:15: unknown provider `relaer`; did you mean `realer`?',
        '        provider: relaer',
        '                  ^',
        '/etc/cupbearer/routes.yaml:8:3: a route prefix does not end in a slash; remove it',
        '      /a/: { credential: realer, upstream: http://api.example }',
        '      ^',
        '/etc/cupbearer/routes.yaml:8:40: upstream: http:// shows the token to the network; write https://, or set allow_insecure: true on this route',
        '      /a/: { credential: realer, upstream: http://api.example }',
        '                                           ^',
        '',
      ].join('\n'),
    );
  });

  it('names the key of a problem', () => {
    const { problems } = read(shortest.replace('}\n', '}\nserver: { hosts: [a b] }\n'));
    expect(problems.map(({ path }) => path)).toEqual(['server.hosts.0']);
  });
});

describe('the lifetime a credential sets', () => {
  it("replaces its provider's, for that credential alone", () => {
    const { providers } =
      good(`${realer}  short: { provider: realer, client_id: me, client_secret: x, default_lifetime: 2m }
routes:
  /realer: { credential: realer }
  /short: { credential: short }
`);
    const lifetimes = Object.entries(providers).map(([name, { response }]) => [
      name,
      response.default_lifetime,
    ]);
    expect(lifetimes).toEqual([
      ['realer', 3_600_000],
      ['short', 120_000],
    ]);
  });
});

describe('the line shown with a problem', () => {
  const secrets = [
    ['client_secret', '{ provider: realer, client_id: 5, client_secret: hunter2 }'],
    ['client_secret in quotes', '{ provider: realer, client_id: 5, client_secret: "hunter2, }" }'],
    ['password', '{ provider: realer, client_id: 5, password: hunter2 }'],
    ['refresh_token', '{ provider: realer, client_id: 5, refresh_token: hunter2 }'],
    ['params', '{ provider: realer, client_id: 5, params: { api: hunter2 } }'],
    ['a default', '{ provider: realer, client_id: 5, client_secret: "${NO_SUCH:-hunter2}" }'],
    ['a misspelt key', '{ provider: realer, client_id: 5, clientsecret: hunter2 }'],
    ['a mapping in a secret place', '{ provider: realer, client_id: 5, client_secret: { a: hunter2 } }'],
    ['a tagged section', '{ provider: realer, client_id: 5, params: !x { a: hunter2 } }'],
    ['what reads as an anchor', '{ provider: realer, client_id: 5, client_secret: &hunter2 x }'],
    ['what reads as an alias', '{ provider: realer, client_id: 5, client_secret: *hunter2 }'],
    ['what reads as a tag', '{ provider: realer, client_id: 5, client_secret: !hunter2 x }'],
    ['values under a number', '{ provider: realer, client_id: 5, 404: { x: hunter2 } }'],
    ['values under a reserved key', '{ provider: realer, client_id: 5, constructor: { key: hunter2 } }'],
    ['userinfo in a URL', '{ provider: realer, client_id: 5, base_url: "https://me:hunter2@api.example" }'],
  ];
  it.each(secrets)('masks %s', (_, credential) => {
    const shown = read(`credentials:\n  x: ${credential}\n`).problems.map(renderProblem).join('');
    expect(shown).toContain('client_id: 5');
    expect(shown).not.toContain('hunter2');
  });

  it('masks a caller key, header values and a secret over several lines', () => {
    const text = [
      'callers: { a: { key: hunter2, roles: [] } }',
      'credentials:',
      '  x: { provider: realer, client_id: 1, client_secret: "hunter2',
      '    hunter2" }',
      'routes:',
      '  /a: { credential: y, headers: { set: { X-Key: hunter2 } } }',
    ].join('\n');
    const shown = read(text).problems.map(renderProblem).join('');
    expect(shown).toContain('roles: ***');
    expect(shown).toContain('credential: y');
    expect(shown).not.toContain('hunter2');
  });

  it('keeps placeholders, which hold no secret', () => {
    const { problems } = read(
      'credentials:\n  x: { provider: y, client_secret: "${SECRET}", password: "${file:a}" }\n',
    );
    expect(problems.map(({ source }) => source)).toContain(
      '  x: { provider: y, client_secret: "${SECRET}", password: "${file:a}" }',
    );
  });

  it('puts the caret under the place even behind a masked value', () => {
    const problem = read('credentials:\n  x: { client_secret: hunter2, provider: y }\n').problems.find(
      ({ message }) => message.startsWith('unknown provider'),
    );
    expect(problem).toMatchObject({
      line: 2,
      column: 42,
      source: '  x: { client_secret: ***, provider: y }',
    });
    expect(problem?.source?.slice((problem.caret ?? 0) - 1)).toBe('y }');
  });

  it('is cut to a window around the caret when it is long', () => {
    const many = Array.from({ length: 200 }, (_, i) => `/r${i}: { credential: realer }`).join(', ');
    const [problem] = read(
      `${realer}routes: { ${many}, /bad: { credential: raeler }, ${many.replaceAll('/r', '/q')} }\n`,
    ).problems;
    expect(problem?.source?.length).toBeLessThan(170);
    expect(problem?.source?.slice((problem.caret ?? 0) - 1)).toMatch(/^raeler/);
  });

  it('holds no control characters', () => {
    const [problem] = read('credentials: {}\n"\\e[31mx": {}\n"\u0085y": "\u009b31m"\n').problems.slice(-1);
    expect(JSON.stringify(problem)).not.toMatch(/\\u00|\u0085|\u009b/);
  });
});

describe('the shortest route', () => {
  it('leads to the base_url of the preset', () => {
    expect(good(shortest).routes).toEqual([
      expect.objectContaining({
        prefix: '/realer',
        credential: 'realer',
        upstream: { origin: 'https://api.therealer.com', host: 'api.therealer.com', base_path: '' },
        methods: undefined,
        timeout: { connect: 3_000, response: 60_000, idle: 300_000 },
        replay_limit: 1_048_576,
      }),
    ]);
  });

  it('has the provider of its credential with absolute URLs', () => {
    expect(good(shortest).providers.realer).toMatchObject({
      name: 'realer',
      base_url: 'https://api.therealer.com',
      token: { url: 'https://api.therealer.com/oauth/token' },
      refresh: { url: 'https://api.therealer.com/oauth/token' },
    });
  });

  it('stands with defaults for everything else', () => {
    const { server, callers, credentials } = good(shortest);
    expect(server).toMatchObject({
      listen: { kind: 'tcp', host: '127.0.0.1', port: 8080 },
      admin: { kind: 'tcp', host: '127.0.0.1', port: 9090 },
      allow_anonymous: false,
      shutdown_grace: 30_000,
    });
    expect(callers).toEqual({});
    expect(credentials.realer).toMatchObject({ grant_type: 'client_credentials', warm: false, params: {} });
  });

  it('may leave whole sections commented out', () => {
    good(`server:\ncallers:\nproviders:\nstore:\n${shortest}`);
  });
});

describe('an upstream', () => {
  const upstreamOf = (line: string, base = '') =>
    good(
      `credentials:\n  x: { provider: revolution, client_id: a, client_secret: b ${base} }\nroutes:\n  /a: { credential: x ${line} }\n`,
    ).routes[0]?.upstream;

  it('may be a path under the base_url', () => {
    expect(upstreamOf(', upstream: /feeds')).toEqual({
      origin: 'https://api.revolution.io',
      host: 'api.revolution.io',
      base_path: '/v1/feeds',
    });
  });

  it('loses its trailing slash', () => {
    expect(upstreamOf(', upstream: https://api.example/v2/')?.base_path).toBe('/v2');
    expect(upstreamOf(', upstream: https://api.example/')?.base_path).toBe('');
    expect(upstreamOf('', ', base_url: https://api.example/v3/')?.base_path).toBe('/v3');
  });

  it('has its host in lower case and no default port', () => {
    expect(upstreamOf(', upstream: "HTTPS://API.Example:443/V2"')).toEqual({
      origin: 'https://api.example',
      host: 'api.example',
      base_path: '/V2',
    });
  });

  it.each(['http://127.0.0.1:3000', 'http://localhost:3000', 'http://[::1]:3000', 'http://127.9.9.9:8080'])(
    'may be cleartext on loopback: %s',
    (url) => {
      expect(upstreamOf(`, upstream: "${url}"`)?.origin).toBe(url);
    },
  );

  it('may be cleartext elsewhere only when the route says so', () => {
    expect(upstreamOf(', upstream: http://api.example, allow_insecure: true')?.origin).toBe(
      'http://api.example',
    );
  });
});

describe('a credential', () => {
  it("replaces the provider's base_url, under which the token URL lies", () => {
    const { providers } = good(
      'credentials:\n  r: { provider: revolution, client_id: a, client_secret: b, base_url: https://api.example/v9, default_lifetime: 2m }\nroutes: { /r: { credential: r } }\n',
    );
    expect(providers.r).toMatchObject({
      base_url: 'https://api.example/v9',
      token: { url: 'https://api.example/v9/auth/token' },
      response: { default_lifetime: 120_000 },
    });
  });

  it('may have its token endpoint in cleartext on loopback', () => {
    const { providers } = good(
      'credentials:\n  r: { provider: realer, client_id: a, client_secret: b, base_url: http://127.0.0.1:3000 }\nroutes: { /r: { credential: r } }\n',
    );
    expect(providers.r?.token.url).toBe('http://127.0.0.1:3000/oauth/token');
  });

  it('gets a provider of the file that changes a preset of the same name', () => {
    const { providers } = good(
      `${shortest}providers:\n  realer: { extends: realer, attach: { value: "Token {access_token}" } }\n`,
    );
    expect(providers.realer).toMatchObject({
      token: { url: 'https://api.therealer.com/oauth/token', basic_encoding: 'raw' },
      attach: { header: 'Authorization', value: 'Token {access_token}' },
    });
  });

  it('gets a provider that extends another of the file', () => {
    const { providers } = good(
      'providers:\n  b: { extends: a, token: { params: { y: "2" } } }\n  a: { extends: realer, token: { params: { x: "1" } } }\ncredentials:\n  c: { provider: b, client_id: a, client_secret: b }\nroutes: { /c: { credential: c } }\n',
    );
    expect(providers.c?.token.params).toEqual({ x: '1', y: '2' });
  });

  it('keeps the query of a token URL', () => {
    const { providers } = good(
      `${shortest.replace('provider: realer', 'provider: p')}providers:\n  p: { extends: realer, token: { url: "/oauth/token/?v=2" } }\n`,
    );
    expect(providers.realer?.token.url).toBe('https://api.therealer.com/oauth/token/?v=2');
  });

  it('may name the tenant in its parameters when it has tenants', () => {
    good(
      'credentials:\n  c: { provider: realer, client_id: a, client_secret: b, tenant: { header: X-Location-Id }, params: { location: "{tenant}" } }\nroutes: { /c: { credential: c } }\n',
    );
  });

  it('is warned of when no route uses it, and the configuration holds', () => {
    const { config, problems } = read(
      shortest.replace('routes:', '  idle: { provider: realer, client_id: a, client_secret: b }\nroutes:'),
    );
    expect(config?.routes).toHaveLength(1);
    expect(problems.map(renderProblem).join('')).toMatch(
      /^\S+:3:3: warning: no route uses credential idle\n/,
    );
  });
});

describe('a time limit', () => {
  it('may be as long as a timer waits, and a stop need not wait at all', () => {
    const text = `${shortest}server: { header_timeout: 2147483647ms, send_timeout: 1ms, shutdown_grace: 0s }\n`;
    const { server } = good(text);
    expect(server).toMatchObject({ header_timeout: 2_147_483_647, send_timeout: 1, shutdown_grace: 0 });
  });
});

describe('a route with WebSockets', () => {
  it('may list its methods with GET', () => {
    good(shortest.replace('realer }', 'realer, upgrade: true, methods: [get] }'));
  });
});

describe('a caller key', () => {
  it('that can be guessed is told of by its length alone', () => {
    const { config, problems } = read(
      `${shortest}callers:\n  one: { key: fifteen-letters }\n  two: { key: [sixteen-letters!, "\${SECRET}"] }\n`,
    );
    expect(Object.keys(config?.callers ?? {})).toEqual(['one', 'two']);
    const advice = 'can be guessed; use at least 16, chosen at random';
    expect(problems.map(({ level, path, message }) => [level, path, message])).toEqual([
      ['warning', 'callers.one.key', `a caller key of 15 characters ${advice}`],
      ['warning', 'callers.two.key.1', `a caller key of 6 characters ${advice}`],
    ]);
    expect(problems.map(renderProblem).join('')).not.toMatch(/s3cr3t|-letters/);
  });
});

describe('a listener', () => {
  it('may lie beyond loopback with callers, with client certificates, or when anonymous use is allowed', () => {
    good(
      `${shortest}server: { listen: "0.0.0.0:8080" }\ncallers: { app: { key: key-of-sixteen-at-least } }\n`,
    );
    good(`${shortest}server: { listen: "[::]:8080", allow_anonymous: true }\n`);
    // The files are not there, which is told of each.
    const toldAt = (tls: string) =>
      read(`${shortest}server: { listen: "[::]:8080", tls: ${tls} }\n`).problems.map(({ path }) => path);
    expect(toldAt('{ cert: a, key: b }')).toContain('server.listen');
    expect(toldAt('{ cert: a, key: b, client_ca: c }')).not.toContain('server.listen');
  });

  it('may be a socket file', () => {
    const { server } = good(`${shortest}server: { listen: "unix:/run/cupbearer/proxy.sock", admin: off }\n`);
    expect(server).toMatchObject({
      listen: { kind: 'unix', path: '/run/cupbearer/proxy.sock' },
      admin: 'off',
    });
  });

  it('does not clash with an upstream on another address or port of this machine', () => {
    const at = (listen: string, upstream: string) =>
      good(
        `${realer}routes: { /a: { credential: realer, upstream: "${upstream}" } }\nserver: { listen: "${listen}", allow_anonymous: true }\n`,
      );
    at('10.0.0.5:8080', 'http://127.0.0.1:8080');
    at('127.0.0.1:8080', 'http://127.0.0.1:8081');
    at('127.0.0.1:0', 'http://127.0.0.1:80');
  });

  it.each([
    ['0.0.0.0:8080', 'http://127.0.0.1:8080'],
    ['[::1]:8080', 'http://localhost:8080'],
    ['127.0.0.1:8080', 'https://0.0.0.0:8080'],
    ['127.0.0.1:80', 'http://localhost'],
  ])('%s is found behind the upstream %s', (listen, upstream) => {
    const loaded = read(
      `${realer}routes: { /a: { credential: realer, upstream: "${upstream}" } }\nserver: { listen: "${listen}", allow_anonymous: true }\n`,
    );
    expect(messages(loaded)).toEqual([expect.stringContaining("this is Cupbearer's own listener")]);
  });
});

describe('values from outside the file', () => {
  it('are read as text, whatever YAML would make of them', () => {
    const { credentials } = good(shortest.replace('client_id: me', 'client_id: "${MAX}"'));
    expect(credentials.realer?.client_id).toBe('7');
  });

  it('become numbers and booleans where those are wanted', () => {
    const { credentials } = good(
      'credentials:\n  c:\n    provider: realer\n    client_id: a\n    client_secret: b\n    warm: ${YES}\n    tenant: { header: X-Org, max: "${MAX}00" }\nroutes: { /c: { credential: c } }\n',
    );
    expect(credentials.c).toMatchObject({ warm: true, tenant: { max: 700 } });
  });

  it('may be a part of an address', () => {
    expect(good(`${shortest}server:\n  listen: 127.0.0.1:\${PORT}\n`).server.listen).toMatchObject({
      port: 8081,
    });
  });

  it('hold YAML syntax without harm', () => {
    const nasty = ': # {a: [b], *c &d !e "f\' - ?\n  x: y';
    const { credentials } = good(shortest.replace('client_secret: x', 'client_secret: "${file:nasty}"'), {
      '/etc/cupbearer/nasty': `${nasty}\n`,
    });
    expect([credentials.realer?.client_secret].flat()[0]?.reveal()).toBe(nasty);
  });

  it('are read again from their file when they are secrets', () => {
    const files = { '/run/secrets/realer': 'one\n' };
    const { credentials } = good(
      shortest.replace('client_secret: x', 'client_secret: "${file:/run/secrets/realer}"'),
      files,
    );
    const [secret] = [credentials.realer?.client_secret].flat();
    expect(secret?.reveal()).toBe('one');
    expect(secret?.reread()).toBe(false);
    files['/run/secrets/realer'] = 'two\n';
    expect(secret?.reread()).toBe(true);
    expect(secret?.reveal()).toBe('two');
    files['/run/secrets/realer'] = '\n';
    expect(() => secret?.reread()).toThrow('a secret was replaced by nothing');
    expect(secret?.reveal()).toBe('two');
  });

  it('are read again for each of several caller keys', () => {
    const files = { '/k/1': 'a'.repeat(16), '/k/2': 'b'.repeat(16) };
    const { callers } = good(
      `${shortest}callers: { app: { key: ["\${file:/k/1}", "\${file:/k/2}"] } }\n`,
      files,
    );
    files['/k/2'] = 'c';
    const keys = [callers.app?.key ?? []].flat();
    expect(keys.map((key) => key.reread())).toEqual([false, true]);
  });
});

describe('YAML', () => {
  it('may share values by anchors and merge keys; own keys win', () => {
    const { routes } = good(
      `${realer}routes:\n  /a: &a { credential: realer, timeout: &t { response: 5s } }\n  /b: { <<: *a, strip_prefix: false }\n  /c: { credential: realer, timeout: *t }\n  /d: { <<: [*a], timeout: { response: 7s } }\n`,
    );
    expect(routes.map(({ timeout }) => timeout.response)).toEqual([5_000, 5_000, 5_000, 7_000]);
    expect(routes.map(({ strip_prefix }) => strip_prefix)).toEqual([true, false, true, true]);
  });

  it('cannot be made to grow without bound by aliases', () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `l${i + 1}: &l${i + 1} [*l${i}, *l${i}, *l${i}, *l${i}]`,
    );
    const started = performance.now();
    const loaded = read(`${shortest}l0: &l0 [x]\n${levels.join('\n')}\n`);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(messages(loaded)).toContainEqual(
      expect.stringContaining('more than 100 aliases; write the values out'),
    );
  });

  it.each(['[', '{a: ', '- '])('nested without end by %s is refused', (opening) => {
    const loaded = read(opening.repeat(20_000));
    expect(loaded.config).toBeUndefined();
    expect(loaded.problems.length).toBeGreaterThan(0);
  });

  it('may begin with a byte order mark and have CRLF lines', () => {
    good(`\uFEFF${shortest.replaceAll('\n', '\r\n')}`);
    const [problem] = read(
      `\uFEFF${shortest.replace('/realer', '/realer/').replaceAll('\n', '\r\n')}`,
    ).problems;
    expect(problem).toMatchObject({ line: 4, column: 3, source: '  /realer/: { credential: realer }' });
  });
});

describe('the configuration', () => {
  it('is frozen through and through, its secrets excepted', () => {
    const config = good(`${shortest}callers: { app: { key: [key-of-sixteen-at-least] } }\n`);
    const thawed: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null || value instanceof Secret) return;
      if (!Object.isFrozen(value)) thawed.push(path);
      for (const [key, child] of Object.entries(value)) visit(child, `${path}.${key}`);
    };
    visit(config, 'config');
    expect(thawed).toEqual([]);
    expect(Object.isFrozen(presets.realer)).toBe(false);
  });

  it('keeps the routes in the order they are written', () => {
    const prefixes = ['/b', '/a', '/', '/2', '/1/x'];
    const { routes } = good(
      `${realer}routes:\n${prefixes.map((p) => `  ${p}: { credential: realer }\n`).join('')}`,
    );
    expect(routes.map(({ prefix }) => prefix)).toEqual(prefixes);
  });

  it('with 10,000 routes is read within seconds', () => {
    const lines = Array.from(
      { length: 10_000 },
      (_, i) => `  /r${i}: { credential: realer, methods: [GET] }\n`,
    );
    const started = performance.now();
    expect(good(`${realer}routes:\n${lines.join('')}`).routes).toHaveLength(10_000);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

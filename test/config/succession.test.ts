import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { load } from '../../src/config/load.ts';
import { isUnchanged, needsRestart, succeed } from '../../src/config/succession.ts';
import { presets } from '../../src/provider/presets.ts';

const parts = {
  server: 'server: { listen: "127.0.0.1:0" }',
  providers: 'providers: { p: { token: { url: "https://id.example/token" } } }',
  a: 'a: { provider: p, client_id: id, client_secret: "${SECRET}" }',
  b: 'b: { provider: p, client_id: id, client_secret: "${file:/secret}" }',
  more: '',
  routes:
    'routes: { /a: { credential: a, upstream: "https://a.example" }, /b: { credential: b, upstream: "https://b.example" } }',
};

function read(
  changes: Partial<typeof parts> = {},
  secret = 'from-a-file',
  variable = 'from-the-environment',
): Config {
  const { server, providers, a, b, more, routes } = { ...parts, ...changes };
  const text = `${server}\n${providers}\ncredentials:\n  ${a}\n  ${b}\n  ${more}\n${routes}\n`;
  const { config, problems } = load(text, {
    file: '/routes.yaml',
    env: { SECRET: variable },
    readFile: (path) => (path === '/e' ? '' : secret),
    modeOf: () => undefined,
    presets,
  });
  if (config === undefined) throw new Error(JSON.stringify(problems));
  return config;
}

const nothing = { added: [], changed: [], removed: [] };

describe('a configuration that takes the place of another', () => {
  it('that says the same changes nothing, and every part is the very object that was there', () => {
    const before = read();
    const to = succeed(before, read());
    expect(isUnchanged(to)).toBe(true);
    for (const name of ['a', 'b']) {
      expect(to.config.credentials[name]).toBe(before.credentials[name]);
      expect(to.config.providers[name]).toBe(before.providers[name]);
    }
    expect(to.config.routes[0]).toBe(before.routes[0]);
    expect(to.config.server).toBe(before.server);
  });

  it('is the same whatever the order of keys and the layout of the file', () => {
    const other = read({ a: '# a comment\n  a: { client_secret: "${SECRET}", client_id: id, provider: p }' });
    expect(isUnchanged(succeed(read(), other))).toBe(true);
  });

  it.each([
    ['a key of the credential', { a: 'a: { provider: p, client_id: other, client_secret: "${SECRET}" }' }],
    [
      'where its secret comes from',
      { a: 'a: { provider: p, client_id: id, client_secret: "${SECRET:-x}${file:/e}" }' },
    ],
    [
      'a literal in place of a variable',
      { a: 'a: { provider: p, client_id: id, client_secret: from-the-environment }' },
    ],
  ])('changes one credential alone: %s', (_what, changes) => {
    const before = read();
    const to = succeed(before, read(changes));
    expect(to.credentials).toEqual({ ...nothing, changed: ['a'] });
    expect(to.config.credentials.b).toBe(before.credentials.b);
    expect(to.config.credentials.a).not.toBe(before.credentials.a);
    expect(to.routes).toEqual(nothing);
  });

  it('changes a credential whose secret has another text', () => {
    const before = read();
    expect(succeed(before, read({}, 'rotated')).credentials.changed).toEqual(['b']);
    expect(succeed(before, read({}, undefined, 'rotated')).credentials.changed).toEqual(['a']);
  });

  it('changes every credential of a provider that is another', () => {
    const providers = 'providers: { p: { token: { url: "https://other.example/token" } } }';
    expect(succeed(read(), read({ providers })).credentials.changed).toEqual(['a', 'b']);
  });

  it('changes what gets its tokens by way of a changed credential', () => {
    const more = 'c: { provider: realer-mqtt, using: a }\n  d: { provider: realer-mqtt, using: c }';
    const routes = `${parts.routes.slice(0, -1)}, /d: { credential: d } }`;
    const a = 'a: { provider: p, client_id: other, client_secret: "${SECRET}" }';
    const to = succeed(read({ more, routes }), read({ more, routes, a }));
    expect(to.credentials.changed).toEqual(['a', 'c', 'd']);
  });

  it('tells what was added and removed', () => {
    const more = 'c: { provider: p, client_id: id, client_secret: s }';
    const routes =
      'routes: { /a: { credential: a, upstream: "https://a.example" }, /c: { credential: c, upstream: "https://c.example" }, /b: { credential: b, upstream: "https://b2.example" } }';
    const to = succeed(read(), read({ more, routes }));
    expect(to.credentials).toEqual({ ...nothing, added: ['c'] });
    expect(to.routes).toEqual({ added: ['/c'], changed: ['/b'], removed: [] });
    expect(to.config.routes.map(({ prefix }) => prefix)).toEqual(['/a', '/c', '/b']);
    const back = succeed(to.config, read());
    expect(back.credentials.removed).toEqual(['c']);
    expect(back.routes).toEqual({ added: [], changed: ['/b'], removed: ['/c'] });
  });

  it('is as frozen as any other', () => {
    const { config } = succeed(
      read(),
      read({ server: 'server: { listen: "127.0.0.1:0", max_requests: 7 }' }),
    );
    expect(Object.isFrozen(config)).toBe(true);
    for (const part of Object.values(config)) expect(Object.isFrozen(part)).toBe(true);
  });

  it.each([
    ['server.listen', { server: 'server: { listen: "127.0.0.1:1" }' }],
    ['server.admin', { server: 'server: { listen: "127.0.0.1:0", admin: "off" }' }],
    ['server.workers', { server: 'server: { listen: "127.0.0.1:0", workers: 2 }' }],
    [
      'store',
      {
        server: `${parts.server}\nstore: { url: "sqlite:/s.db", key: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" }`,
      },
    ],
  ])('needs a restart for another %s', (key, changes) => {
    expect(needsRestart(read(), read(changes))).toEqual([key]);
  });

  it('needs none when a file that a secret of the store comes from has changed', () => {
    const server = `${parts.server}\nstore: { url: "sqlite:/s.db", key: "\${file:/key}" }`;
    const read32 = (letter: string) => read({ server }, Buffer.alloc(32, letter).toString('base64'));
    expect(needsRestart(read32('a'), read32('b'))).toEqual([]);
    const literal = (letter: string) =>
      read({ server: server.replace('${file:/key}', Buffer.alloc(32, letter).toString('base64')) });
    expect(needsRestart(literal('a'), literal('b'))).toEqual(['store']);
  });

  it('needs none for other bounds and time limits', () => {
    const server =
      'server: { listen: "127.0.0.1:0", max_requests: 7, header_timeout: 3s, hosts: [a.example] }';
    expect(needsRestart(read(), read({ server }))).toEqual([]);
    expect(succeed(read(), read({ server })).server).toBe(true);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkTarget, upstreamPath } from '../../src/gateway/path.ts';
import { createRouteTable } from '../../src/gateway/routes.ts';
import { startCupbearer, tokenServer } from '../support/fixture.ts';
import { rawRequest, rawUpstream, values } from '../support/raw.ts';
import { useSetting } from './setting.ts';

/** Pieces that parsers disagree on, routes, and any byte. */
const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '%2F',
      '%5c',
      '%25',
      '%252e',
      '%25252e',
      '%3b',
      ';',
      '?',
      '#',
      '\\',
      '//',
      '/../',
      '/./',
      '@',
      ':',
      '%00',
      '%c0%ae',
      'a',
      'x',
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'api',
      '/api',
      '/api2',
      '/api/',
      '/v1',
      '/v1/acme',
      'http://evil.test',
      '%61pi',
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)) },
);
const target = fc
  .tuple(fc.constantFrom('/api', '/api/', '/api2/', '/', ''), fc.array(piece, { maxLength: 7 }))
  .map(([start, pieces]) => start + pieces.join(''));

/** Every reading of a path that an upstream could come to by decoding it up to three times. */
function readings(path: string): string[] {
  const result = [path];
  for (let i = 0; i < 4; i++) {
    const last = result.at(-1) as string;
    result.push(
      last.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    );
  }
  return result;
}

/** What is wrong with a path that goes upstream below `base`; undefined for nothing. */
function fault(path: string, base: string): string | undefined {
  if (!path.startsWith(base) || !['', '/', '?'].includes(path.charAt(base.length)))
    return 'it is not below the base';
  const [before = ''] = path.split('?', 1);
  if (/[^\x21-\x7e]|[#\\]/.test(before)) return 'a parser may end it early';
  for (const reading of readings(before)) {
    for (const segment of reading.split(/[/\\]/)) {
      if (/^\.{1,2}(?:;|$)/.test(segment)) return `its segment ${segment} leads elsewhere`;
    }
  }
  if (path.startsWith('//')) return 'it names another host';
  return undefined;
}

describe('P39: any path', () => {
  const routes = [
    { prefix: '/api', base: '/v1/acme' },
    { prefix: '/api2', base: '' },
    { prefix: '/api/v1', base: '/deep' },
  ];
  const table = createRouteTable(routes);

  it('is refused, or stays below the base of its own route at every level of decoding', () => {
    let passed = 0;
    fc.assert(
      fc.property(target, (raw) => {
        let checked: { path: string; query: string };
        let path: string;
        let match: ReturnType<typeof table.match>;
        try {
          checked = checkTarget(raw);
          match = table.match(checked.path);
          if (match === undefined) return true;
          path = upstreamPath(match.route.base, match.rest, checked.query);
        } catch {
          return true;
        }
        passed++;
        const { prefix, base } = match.route;
        const wrong = fault(path, base);
        if (wrong !== undefined) throw new Error(`${raw} → ${path}: ${wrong}`);
        if (!`${checked.path}/`.startsWith(`${prefix}/`)) throw new Error(`${raw} is not below ${prefix}`);
        return (
          path === base + raw.slice(prefix.length) || (base === '' && path === `/${raw.slice(prefix.length)}`)
        );
      }),
      { numRuns: 200_000 },
    );
    expect(passed).toBeGreaterThan(10_000);
  }, 60_000);

  const s = useSetting();

  it('reaches only the upstream of its route, with its credential, below its base: over sockets', async () => {
    const oneLine = target.filter((raw) => !/[\r\n]/.test(raw));
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(oneLine, async (raw) => {
        s.up.requests.length = 0;
        s.up2.requests.length = 0;
        const { status } = await s.send(`GET ${raw}`);
        const [first, ...more] = [...s.up.requests, ...s.up2.requests];
        if (status !== 200) {
          expect([400, 404, 421, 505]).toContain(status);
          expect(first).toBeUndefined();
          return;
        }
        passed++;
        expect(more).toEqual([]);
        const isSecond = s.up2.requests.length === 1;
        expect(fault(first!.target, isSecond ? '' : '/v1/acme')).toBeUndefined();
        expect(values(first!, 'x-api-key')).toEqual(isSecond ? ['SENT-K1'] : []);
        expect(values(first!, 'authorization')).toEqual(isSecond ? [] : ['Bearer SENT-T1']);
      }),
      { numRuns: 500 },
    );
    expect(passed).toBeGreaterThan(20);
  }, 60_000);
});

describe('P40: upstreams that look alike when host and path are joined', () => {
  it('never answer for each other', async () => {
    const [first, second] = await Promise.all([rawUpstream(), rawUpstream()]);
    const [one, two] = await Promise.all([tokenServer('SENT-A'), tokenServer('SENT-B')]);
    const proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off" }
providers:
  one: { token: { url: "${one.url}/token" } }
  two: { token: { url: "${two.url}/token" } }
credentials:
  one: { provider: one, client_id: id, client_secret: SENT-CLIENT }
  two: { provider: two, client_id: id, client_secret: SENT-CLIENT }
routes:
  /a: { upstream: "http://127.0.0.1:${first.port}/1/private", credential: one }
  /a1: { upstream: "http://127.0.0.1:${second.port}/private", credential: two }
  /a/1: { upstream: "http://127.0.0.1:${second.port}", credential: two }
`);
    const get = (path: string) =>
      rawRequest(proxy.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    try {
      for (let round = 0; round < 10; round++) {
        for (const path of ['/a/x', '/a1/x', '/a/1/private/x', '/a/1x', '/a1'])
          expect((await get(path)).status).toBe(200);
      }
      const seen = (upstream: typeof first) =>
        new Set(upstream.requests.map((request) => `${request.target} ${values(request, 'authorization')}`));
      expect(seen(first)).toEqual(new Set(['/1/private/x Bearer SENT-A1', '/1/private/1x Bearer SENT-A1']));
      expect(seen(second)).toEqual(new Set(['/private/x Bearer SENT-B1', '/private Bearer SENT-B1']));
      expect([first.requests.length, second.requests.length]).toEqual([20, 30]);
    } finally {
      await proxy.stop();
      await Promise.all([first.close(), second.close(), one.close(), two.close()]);
    }
  });
});

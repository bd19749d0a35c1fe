import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRouteTable } from '../../src/gateway/routes.ts';

const table = (...prefixes: string[]) => createRouteTable(prefixes.map((prefix) => ({ prefix })));
const found = (match: ReturnType<ReturnType<typeof table>['match']>) =>
  match && [match.route.prefix, match.rest];

describe('a route table', () => {
  const routes = table('/api', '/api2', '/api/deep/er', '/x/y');

  it.each([
    ['/api', ['/api', '']],
    ['/api/', ['/api', '/']],
    ['/api/x', ['/api', '/x']],
    ['/api//x', ['/api', '//x']],
    ['/api2/x', ['/api2', '/x']],
    ['/api/deep', ['/api', '/deep']],
    ['/api/deep/erx', ['/api', '/deep/erx']],
    ['/api/deep/er/z', ['/api/deep/er', '/z']],
    ['/x/y/z', ['/x/y', '/z']],
  ])('matches %s by its longest prefix at a segment boundary', (path, expected) => {
    expect(found(routes.match(path))).toEqual(expected);
  });

  it.each([
    '/',
    '/apix',
    '/x',
    '/x/api/y',
    '//api/x',
    '/API/x',
    '/%61pi/x',
    '/api;v=1/x',
    '/api@evil.test',
    '/api.x',
    '/api:80',
  ])('matches nothing for %s', (path) => expect(routes.match(path)).toBeUndefined());

  it('gives what no other prefix takes to the root route', () => {
    const withRoot = table('/', '/api');
    expect(found(withRoot.match('/other'))).toEqual(['/', '/other']);
    expect(found(withRoot.match('/api/x'))).toEqual(['/api', '/x']);
    expect(found(withRoot.match('/'))).toEqual(['/', '/']);
  });

  it('agrees with trying every prefix, for any table and path', () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', 'ab', ''), { minLength: 1, maxLength: 5 })
      .map((s) => `/${s.join('/')}`);
    const prefix = fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 3 }).map((s) => `/${s.join('/')}`);
    fc.assert(
      fc.property(fc.uniqueArray(prefix, { maxLength: 6 }), path, (prefixes, target) => {
        const expected = prefixes
          .filter((p) => p === '/' || target === p || target.startsWith(`${p}/`))
          .sort((a, b) => b.length - a.length)[0];
        expect(table(...prefixes).match(target)?.route.prefix).toBe(expected);
      }),
      { numRuns: 3_000 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CupbearerError } from '../../src/errors.ts';
import { checkTarget, upstreamPath } from '../../src/gateway/path.ts';

function refusal(raw: string): string | undefined {
  try {
    checkTarget(raw);
    return undefined;
  } catch (error) {
    return (error as CupbearerError).code;
  }
}

describe('a request target', () => {
  it.each([
    '/',
    '/api',
    '/api/',
    '/api/x',
    '/api/a%2fb',
    '/api/a%2Fb',
    '/api/%E3%81%82',
    '/api/@evil.test/x',
    '/api/http://evil.test/x',
    '/api//x',
    '/api/a:b;c=d,e',
    '/api/..a',
    '/api/a..',
    '/api/...',
    '/api/.well-known/x',
    '/api/x?next=/../y&u=http://evil.test/',
    '/api/x?q=%zz',
    '/api/x?{"a":"b|c"}',
    '/api/%ff',
    '/api/%2e%2ea',
  ])('%s is taken as it is', (raw) => {
    const { path, query } = checkTarget(raw);
    expect(path + query).toBe(raw);
  });

  it.each([
    ['a dot segment', ['/api/..', '/api/../x', '/../x', '/api/./x', '/.', '/api/a/../../../etc']],
    ['an encoded dot segment', ['/api/%2e%2e/x', '/api/.%2E/x', '/api/%2E./x', '/api/%2e/x']],
    ['a dot segment behind an encoded slash', ['/api/..%2fadmin', '/api/%2e%2e%2fadmin', '/api%2f..%2fapi2']],
    ['a dot segment with parameters', ['/api/..;/x', '/api/..;a=b/x', '/api/.;/x', '/api/%2e%2e%3b/x']],
    ['a doubly and triply encoded one', ['/api/%252e%252e/x', '/api/%25252e%25252e/x', '/api/..%252fx']],
    ['a fragment', ['/api/x#/../y', '/api#@evil.test/', '/api/x?a#b']],
    ['overlong UTF-8', ['/api/%c0%ae%c0%ae/x', '/api/%e0%80%ae/x', '/api/%C1%9c', '/api/%f0%80%80%ae']],
    ['a malformed percent', ['/api/%zz', '/api/%', '/api/%a']],
    [
      'an encoded control character or backslash',
      ['/api/%00', '/api/%0d%0ax', '/api/%7f', '/api/%5c..', '/a%5Cb'],
    ],
    ['a raw byte beyond ASCII', ['/api/\xe9', '/api/\xe3\x80\x82', '/api/\xef\xbc\x8e\xef\xbc\x8e/x']],
    [
      'a character outside RFC 3986 pchar',
      ['/api/"', '/api/<', '/api/>', '/api/^', '/api/`', '/api/\\', '/api/{', '/api/|', '/api/}', '/a b'],
    ],
  ])('with %s is refused', (_what, targets) => {
    for (const raw of targets) expect([raw, refusal(raw)]).toEqual([raw, 'path-refused']);
  });

  it.each(['', 'api/x', '*', 'http://evil.test/api', 'ftp://x/api', '127.0.0.1:8080', '?x'])(
    '%s is not a path at all',
    (raw) => expect(refusal(raw)).toBe('malformed-request'),
  );

  it('never leaves a dot segment at any level of decoding', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%252e',
      '%25252e',
      '%2f',
      '%5c',
      '%255c',
      ';',
      'a',
      'é',
      '%',
      '?',
      '//',
      '%00',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const raw = `/${pieces.join('')}`;
        if (refusal(raw) !== undefined) return;
        let level = checkTarget(raw).path;
        for (let depth = 0; depth < 4; depth++) {
          for (const segment of level.split(/[/\\]/)) {
            expect(['.', '..']).not.toContain(segment.split(';')[0]);
          }
          level = level.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          );
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it('is refused or taken byte for byte, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const raw = `/${text}`;
        try {
          const { path, query } = checkTarget(raw);
          expect(path + query).toBe(raw);
        } catch (error) {
          expect(error).toBeInstanceOf(CupbearerError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('the upstream path', () => {
  it.each([
    ['', '', '', '/'],
    ['', '/x', '?q', '/x?q'],
    ['/v1/acme', '', '?q=1', '/v1/acme?q=1'],
    ['/v1/acme', '/', '', '/v1/acme/'],
    ['/v1/acme', '/a%2fb//c', '', '/v1/acme/a%2fb//c'],
  ])('of base "%s", rest "%s" and query "%s" is %s', (base, rest, query, expected) => {
    expect(upstreamPath(base, rest, query)).toBe(expected);
  });

  it('is refused when the rest starts with two slashes', () => {
    expect(() => upstreamPath('', '//evil.test/x', '')).toThrow(CupbearerError);
    expect(() => upstreamPath('/v1', '//x', '')).toThrow(CupbearerError);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endpointUrl } from '../../src/provider/url.ts';

const at = (base_url: string | undefined, url: string): string =>
  endpointUrl({ name: 'acme', base_url }, url);

describe('endpoint URLs', () => {
  test.each([
    ['https://api.example/v1', '/auth/token', 'https://api.example/v1/auth/token'],
    ['https://api.example/v1/', 'auth/token', 'https://api.example/v1/auth/token'],
    ['https://api.example', '/token?x=1', 'https://api.example/token?x=1'],
    ['https://api.example', '//evil.example/token', 'https://api.example/evil.example/token'],
    ['https://api.example', 'https://id.example/token', 'https://id.example/token'],
    [undefined, 'http://127.0.0.1:9/token', 'http://127.0.0.1:9/token'],
  ])('%s and %s make %s', (base, url, whole) => {
    expect(at(base, url)).toBe(whole);
  });

  test('a relative URL needs a base_url, and the message says so', () => {
    expect(() => at(undefined, '/token')).toThrow(/"acme".*base_url/);
  });

  test.each([
    'https://u:p@id.example/',
    'https://id.example/#f',
    'ftp://id.example/',
    'https://',
    'javascript:1',
  ])('%s is refused without being shown', (url) => {
    expect(() => at(undefined, url)).toThrow(expect.objectContaining({ code: 'configuration-invalid' }));
    expect(() => at(undefined, url)).not.toThrow(url);
  });
});

describe('placeholders of a URL', () => {
  const filled = (url: string, values: Record<string, string>): string =>
    endpointUrl({ name: 'acme', base_url: 'https://api.example/v1' }, url, (name) => values[name]);

  test('are filled in path and query', () => {
    expect(filled('/{a}/x?b={b}', { a: '1', b: '2' })).toBe('https://api.example/v1/1/x?b=2');
  });

  test.each(['', undefined])('need a value (%j), and the message names them', (value) => {
    const run = () => filled('/{tenant}', value === undefined ? {} : { tenant: value });
    expect(run).toThrow(expect.objectContaining({ code: 'configuration-invalid' }));
    expect(run).toThrow(/a URL needs \{tenant\}/);
  });

  test.each([
    ['/{a}/x', '..'],
    ['/{a}', '.'],
    ['/x/{a}.', '.'],
    ['/{a}{a}/y?z', '.'],
    ['/%2E{a}', '.'],
  ])('%s cannot climb by %j', (url, a) => {
    expect(() => filled(url, { a })).toThrow(expect.objectContaining({ code: 'token-refused' }));
  });

  test.each(['https://{a}/x', 'https://id.{a}.example/', 'https://{a}@id.example/'])(
    'never stand in the host: %s',
    (url) => {
      expect(() => filled(url, { a: 'evil' })).toThrow(
        expect.objectContaining({ code: 'configuration-invalid' }),
      );
    },
  );

  test('whatever the value, it stays within its segment and reads back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (a) => {
        fc.pre(a !== '.' && a !== '..');
        const { origin, pathname, search, hash } = new URL(filled('/{a}/end', { a }));
        expect([origin, search, hash]).toEqual(['https://api.example', '', '']);
        const [, v1, value = '', end, ...more] = pathname.split('/');
        expect([v1, decodeURIComponent(value), end, more]).toEqual(['v1', a, 'end', []]);
      }),
    );
  });
});

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

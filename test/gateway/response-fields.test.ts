import { describe, expect, it } from 'vitest';
import type { Route } from '../../src/config/config.ts';
import { mapLocation, responseFields, trailerFields } from '../../src/gateway/response-fields.ts';

const route = (change: Partial<Route> = {}): Route =>
  ({
    prefix: '/api',
    upstream: { origin: 'https://up.test', host: 'up.test', base_path: '/v1' },
    strip_prefix: true,
    cookies: false,
    ...change,
  }) as Route;
const added = ['Cross-Origin-Resource-Policy', 'same-origin', 'X-Content-Type-Options', 'nosniff'];
/** Without what every answer gets. */
const filter = (raw: readonly string[], status: number, change: Partial<Route>, mayTrail: boolean) => {
  const { fields, length } = responseFields(raw, status, route(change), mayTrail);
  expect(fields.slice(-added.length)).toEqual(added);
  return { fields: fields.slice(0, -added.length), length };
};
const filtered = (raw: string[], status = 200, change: Partial<Route> = {}) =>
  filter(raw, status, change, true);

describe('response fields', () => {
  it('keep order, case, duplicates and latin1 bytes', () => {
    const raw = ['X-A', '1', 'x-a', '2', 'X-Latin', Buffer.from([0xe9]).toString('latin1')];
    expect(filtered(raw).fields).toEqual(raw);
  });

  it('lose what is hop-by-hop or gives a web page power over this origin', () => {
    const raw = [
      'Connection',
      'close',
      'Keep-Alive',
      'timeout=5',
      'Proxy-Authenticate',
      'Basic',
      'Access-Control-Allow-Origin',
      '*',
      'ACCESS-CONTROL-ALLOW-CREDENTIALS',
      'true',
      'Set-Cookie',
      'a=b',
      'Alt-Svc',
      'h3',
      'Strict-Transport-Security',
      'x',
      'Clear-Site-Data',
      '*',
      'Service-Worker-Allowed',
      '/',
      'Public-Key-Pins',
      'x',
      'Public-Key-Pins-Report-Only',
      'x',
      'Expect-CT',
      'x',
      'NEL',
      '{}',
      'Report-To',
      '{}',
      'Timing-Allow-Origin',
      '*',
      'Cross-Origin-Resource-Policy',
      'cross-origin',
      'x-content-type-options',
      'none',
      'x-hono-already-sent',
      'true',
      'ETag',
      '"1"',
    ];
    expect(filtered(raw).fields).toEqual(['ETag', '"1"']);
  });

  it('keep Set-Cookie where the route lets cookies pass', () => {
    expect(filtered(['Set-Cookie', 'a', 'Set-Cookie', 'b'], 200, { cookies: true }).fields).toEqual([
      'Set-Cookie',
      'a',
      'Set-Cookie',
      'b',
    ]);
  });

  it('never lose their Content-Length to Connection', () => {
    expect(filtered(['Content-Length', '2', 'X-H', '1', 'Connection', 'content-length, x-h']).fields).toEqual(
      ['Content-Length', '2'],
    );
  });

  it('have no Content-Length on 204 (RFC 9110 §8.6)', () => {
    expect(filtered(['Content-Length', '3'], 204).fields).toEqual([]);
  });

  it('announce trailers only where they can follow', () => {
    const raw = ['Transfer-Encoding', 'chunked', 'Trailer', 'X-T'];
    expect(filtered(raw)).toEqual({ fields: ['Trailer', 'X-T'], length: undefined });
    expect(filter(raw, 200, {}, false).fields).toEqual([]);
    expect(filtered(['Content-Length', '1', 'Trailer', 'X-T']).fields).toEqual(['Content-Length', '1']);
  });

  it('drop trailers that steer framing, routing or caching (RFC 9110 §6.5.1)', () => {
    expect(
      trailerFields([
        'X-Sum',
        '1',
        'Content-Length',
        '9',
        'Set-Cookie',
        'a',
        'Access-Control-Allow-Origin',
        '*',
      ]),
    ).toEqual([['X-Sum', '1']]);
  });
});

describe('a Location', () => {
  it.each([
    ['https://up.test/v1/x?y#z', '/api/x?y#z'],
    ['https://up.test/v1', '/api'],
    ['/v1/x', '/api/x'],
    ['https://up.test/v10/x', 'https://up.test/v10/x'],
    ['https://up.test/other', 'https://up.test/other'],
    ['https://up.test.evil/v1/x', 'https://up.test.evil/v1/x'],
    ['//up.test/v1/x', '//up.test/v1/x'],
    ['relative', 'relative'],
    ['', ''],
  ])('%s reads %s for the caller', (value, expected) => expect(mapLocation(value, route())).toBe(expected));

  it('never becomes one that names another host', () => {
    const root = route({ prefix: '/' });
    expect(mapLocation('/v1//evil.test/x', root)).toBe('/v1//evil.test/x');
    expect(mapLocation('https://up.test/v1/\\evil.test', root)).toBe('https://up.test/v1/\\evil.test');
  });

  it('keeps the prefix out when the route does not strip it', () => {
    expect(mapLocation('https://up.test/v1/api/x', route({ strip_prefix: false }))).toBe('/api/x');
  });

  it('under a root route is the path itself', () => {
    expect(mapLocation('https://up.test/v1', route({ prefix: '/' }))).toBe('/');
    expect(mapLocation('https://up.test/v1/x', route({ prefix: '/' }))).toBe('/x');
  });
});

import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { guard, guardPolicy } from '../../src/gateway/guard.ts';

const allowed = guardPolicy({ hosts: ['Sidecar.Local'], origins: ['https://app.test', 'app://desk'] });
const request = (raw: string[], method = 'GET', httpVersionMajor = 1) =>
  ({ rawHeaders: raw, method, httpVersionMajor, httpVersionMinor: 1 }) as unknown as IncomingMessage;
const outcome = (raw: string[], method?: string, version?: number) => {
  try {
    guard(request(raw, method, version), allowed);
    return 'passed';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('the guard', () => {
  it.each([
    'localhost',
    'localhost:8080',
    'LOCALHOST:8080',
    '127.0.0.1',
    '[::1]:8080',
    'sidecar.local:80',
    'SIDECAR.local',
  ])('lets Host %s through', (host) => expect(outcome(['Host', host])).toBe('passed'));

  it.each([
    'evil.test:8080',
    'localhost.',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0.0.0.0',
    '127.0.0.1.evil.test',
    'localhost.evil.test',
    'up.test',
  ])('refuses Host %s with 421', (host) => expect(outcome(['Host', host])).toBe('host-refused'));

  it.each(['', 'a, b', 'a@b', 'a/b', 'localhost:99999', '[', 'localhost:', 'localhost:8x'])(
    'calls Host "%s" malformed',
    (host) => expect(outcome(['Host', host])).toBe('malformed-request'),
  );

  it('wants exactly one Host (RFC 9112 §3.2)', () => {
    expect(outcome([])).toBe('malformed-request');
    expect(outcome(['Host', 'localhost', 'host', 'localhost'])).toBe('malformed-request');
  });

  it.each([
    [['Origin', 'https://evil.test']],
    [['Origin', 'null']],
    [['Origin', '']],
    [['Origin', 'https://app.test/']],
    [['Origin', 'https://APP.test']],
    [['Origin', 'https://app.test, https://app.test']],
    [['Origin', 'https://app.test', 'origin', 'https://app.test']],
    [['Origin', 'https://app.test', 'Origin', 'https://evil.test']],
    [['sec-fetch-site', 'cross-site']],
    [['Sec-Fetch-Site', 'same-origin']],
    [['Sec-Fetch-Site', '']],
    [['Sec-Fetch-Site', 'none', 'Sec-Fetch-Site', 'same-site']],
    [['Sec-Fetch-Site', 'same-site', 'Sec-Fetch-Site', 'none']],
    [['Sec-Fetch-Site', 'none', 'Sec-Fetch-Mode', 'navigate']],
    [['Sec-Fetch-Site', 'none', 'Sec-Purpose', 'prefetch;prerender']],
    [['Access-Control-Request-Method', 'PUT']],
    [['Origin', 'https://app.test', 'Access-Control-Request-Method', 'PUT']],
    [['Origin', 'https://app.test', 'Access-Control-Request-Private-Network', 'true']],
  ])('refuses what a web page sends: %j', (fields) => {
    expect(outcome(['Host', 'localhost', ...fields])).toBe('browser-refused');
  });

  it.each([
    [['Origin', 'https://app.test']],
    [['Origin', 'app://desk', 'Sec-Fetch-Site', 'cross-site', 'Sec-Fetch-Mode', 'websocket']],
    [['Sec-Fetch-Site', 'none']],
    [['Sec-Fetch-Mode', 'cors']],
    [['Sec-Fetch-Mode', 'websocket']],
  ])('lets an allowed origin and programs through: %j', (fields) => {
    expect(outcome(['Host', 'localhost', ...fields])).toBe('passed');
  });

  it('goes by the Host first, so that an allowed origin rebinds no name', () => {
    expect(outcome(['Origin', 'https://app.test', 'Host', 'rebound.test'])).toBe('host-refused');
    expect(outcome(['Origin', 'https://evil.test', 'Host', 'rebound.test'])).toBe('host-refused');
  });

  it('counts fields, methods and versions', () => {
    const many = Array.from({ length: 200 }, (_, i) => [`X-${i}`, '']).flat();
    expect(outcome(['Host', 'localhost', ...many.slice(2)])).toBe('passed');
    expect(outcome(['Host', 'localhost', ...many])).toBe('fields-too-large');
    expect(outcome(['Host', 'localhost'], 'TRACE')).toBe('method-not-allowed');
    expect(outcome(['Host', 'localhost'], 'GET', 2)).toBe('version-not-supported');
  });

  it('reads framing, Via and what Connection nominates', () => {
    const head = guard(
      request([
        'Host',
        'localhost',
        'Content-Length',
        '5',
        'Via',
        '1.0 a',
        'VIA',
        '1.1 b',
        'Connection',
        'X-One, close',
        'connection',
        'x-TWO',
      ]),
      allowed,
    );
    expect(head.contentLength).toBe(5);
    expect(head.chunked).toBe(false);
    expect(head.via).toEqual(['1.0 a', '1.1 b']);
    expect([...(head.nominated ?? [])]).toEqual(['x-one', 'close', 'x-two']);
    expect(
      guard(
        request(['Host', 'localhost', 'Transfer-Encoding', 'chunked', 'Connection', 'keep-alive']),
        allowed,
      ),
    ).toMatchObject({
      chunked: true,
      nominated: undefined,
    });
  });
});

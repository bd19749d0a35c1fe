import { describe, expect, it } from 'vitest';
import { values } from '../support/raw.ts';
import { expectNoSecret, useSetting } from './setting.ts';

describe('P: path and target', () => {
  const s = useSetting();

  it('P1 maps the prefix to the base path and injects exactly one credential', async () => {
    const response = await s.send('GET /api/x');
    expect(response.status).toBe(200);
    expect(s.up.requests).toHaveLength(1);
    expect(s.up.requests[0]?.target).toBe('/v1/acme/x');
    expect(values(s.up.requests[0]!, 'authorization')).toEqual(['Bearer SENT-T1']);
    expect(values(s.up.requests[0]!, 'host')).toEqual([`127.0.0.1:${s.up.port}`]);
    expectNoSecret(response);
  });

  it('P4 gives the longer prefix its own upstream and credential', async () => {
    expect((await s.send('GET /api2/x')).status).toBe(200);
    expect(values(s.up2.requests[0]!, 'x-api-key')).toEqual(['SENT-K1']);
    expect(values(s.up2.requests[0]!, 'authorization')).toEqual([]);
    expect(s.up.requests).toHaveLength(0);
  });

  it.each<[string, string, number]>([
    ['P3', '/x/api/y', 404],
    ['P6', '/api/%2e%2e/x', 400],
    ['P6', '/api/.%2E/x', 400],
    ['P6', '/api/%2E./x', 400],
    ['P7', '/api/./x', 400],
    ['P7', '/api/%2e/x', 400],
    ['P9', '/api/a/../../../etc', 400],
    ['P10', '/api/..%2fadmin', 400],
    ['P10', '/api/%2e%2e%2fadmin', 400],
    ['P10', '/api%2f..%2fapi2', 400],
    ['P11', '/%61pi/x', 404],
    ['P13', '/api/..;/x', 400],
    ['P13', '/api/..;a=b/x', 400],
    ['P13', '/api;v=1/x', 404],
    ['P14', '//api/x', 404],
    ['P14', '/api//x', 400],
    ['P14', '/api//evil.test/x', 400],
    ['P16', '/api/%252e%252e/x', 400],
    ['P16', '/api/%25252e%25252e/x', 400],
    ['P16', '/api/%252f../x', 400],
    ['P17', '/api/x#/../y', 400],
    ['P17', '/api#@evil.test/', 400],
    ['P19', '/api/%c0%ae%c0%ae/x', 400],
    ['P19', '/api/%e0%80%ae/x', 400],
    ['P20', 'http://evil.test/api/x', 421],
    ['P23', 'ftp://x/api', 400],
    ['P23', 'api/x', 400],
    ['P23', '127.0.0.1:8080', 400],
    ['P23', '*', 400],
    ['P26', '/api@evil.test/x', 404],
    ['P26', '/api.evil.test/x', 404],
    ['P26', '/api:80/x', 404],
    ['P29', '/api/\xe9', 400],
    ['P29', '/api/\xe3\x80\x82', 400],
    ['P29', '/api/\xef\xbc\x8e\xef\xbc\x8e/x', 400],
    ['P31', '/api/%zz', 400],
    ['P31', '/api/%', 400],
    ['P31', '/api/%a', 400],
    ['P36', `/api/${'a'.repeat(70_000)}`, 431],
    ...[...'"<>^\\`{|}'].map((c) => ['P37', `/api/${c}`, 400] as [string, string, number]),
  ])('%s refuses %s with %i and asks no upstream', async (_id, target, status) => {
    const response = await s.send(`GET ${target}`);
    expect(response.status).toBe(status);
    expect(s.up.accepted + s.up2.accepted).toBe(0);
    expect(s.tokens.calls).toBe(0);
    expectNoSecret(response);
  });

  it.each([
    ['P19', '/api/%ff', '/v1/acme/%ff'],
    ['P24', '/api/http://evil.test/x', '/v1/acme/http://evil.test/x'],
    ['P26', '/api/@evil.test/x', '/v1/acme/@evil.test/x'],
    ['P27', '/api/a%2fb', '/v1/acme/a%2fb'],
    ['P27', '/api/a%2Fb', '/v1/acme/a%2Fb'],
    ['P30', '/api/%E3%81%82', '/v1/acme/%E3%81%82'],
    ['P33', '/api/x?next=/../y&u=http://evil.test/', '/v1/acme/x?next=/../y&u=http://evil.test/'],
    ['P33', '/api?a=1', '/v1/acme?a=1'],
    ['P14', '/api/x//y', '/v1/acme/x//y'],
    ['P23', '/api/*', '/v1/acme/*'],
    ['P36', `/api/${'a'.repeat(8_200)}`, `/v1/acme/${'a'.repeat(8_200)}`],
    ['P36', `/api/x?${'a'.repeat(16_000)}`, `/v1/acme/x?${'a'.repeat(16_000)}`],
  ])('%s forwards %s as %s', async (_id, target, expected) => {
    expect((await s.send(`GET ${target}`)).status).toBe(200);
    expect(s.up.requests.map((r) => r.target)).toEqual([expected]);
  });

  it('P21 takes an absolute target of its own authority and forwards the path alone', async () => {
    expect((await s.send(`GET http://127.0.0.1:${s.proxy.port}/api/x?q`)).status).toBe(200);
    expect(s.up.requests[0]?.target).toBe('/v1/acme/x?q');
  });

  it('P41 is not steered by fields that rewrite URLs', async () => {
    expect((await s.send('GET /api/x', ['X-Original-URL: /admin', 'X-Rewrite-URL: /admin'])).status).toBe(
      200,
    );
    expect(s.up.requests[0]?.target).toBe('/v1/acme/x');
  });
});

describe('P41 with a method policy', () => {
  const s = useSetting({ route: ', methods: [GET]' });

  it('drops the fields that override the method', async () => {
    const overrides = [
      'X-HTTP-Method-Override: DELETE',
      'X-HTTP-Method: DELETE',
      'X_Method_Override: DELETE',
    ];
    expect((await s.send('GET /api/x', overrides)).status).toBe(200);
    expect(s.up.bytes()).not.toContain('DELETE');
  });

  it('answers 405 to another method and asks no upstream', async () => {
    expect((await s.send('POST /api/x', ['Content-Length: 0'])).status).toBe(405);
    expect(s.up.accepted).toBe(0);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configFile, cupbearer } from './config-file.ts';

const text = `server: { hosts: [proxy.example] }
callers:
  billing: { key: S3CR3T-1, routes: [/realer] }
  ops: { key: S3CR3T-2 }
providers:
  keyed:
    extends: realer
    attach:
      value: "Key S3CR3T-3.{access_token}"
      headers: { X-Org: S3CR3T-4, X-From: "{issued_by}" }
credentials:
  realer: { provider: realer, client_id: me, client_secret: S3CR3T-5 }
  keyed:
    provider: keyed
    client_id: me
    client_secret: S3CR3T-6
    tenant: { header: X-Location-Id }
routes:
  /realer:
    credential: realer
    methods: [GET, POST]
    headers: { set: { X-Set: S3CR3T-7 }, remove: [X-Removed] }
    callers: [billing]
  /keyed: { credential: keyed, upstream: https://api.example/v2, strip_prefix: false, cookies: true }
`;

let file: ReturnType<typeof configFile>;
beforeAll(() => {
  file = configFile(text);
});
afterAll(() => file.remove());

const explain = (...args: string[]) => cupbearer(['explain', '-c', file.path, ...args]);

async function explained(method: string, url: string) {
  const { out } = await explain(method, url, '--json');
  return JSON.parse(out) as Record<string, unknown> & { fields: Record<string, string[]> };
}

describe('cupbearer explain', () => {
  it('says where a request goes and with which fields', async () => {
    const { code, out } = await explain('get', '/realer/iot/v1?limit=%31');
    expect(code).toBe(0);
    expect(out).toMatch(/^GET \/realer\/iot\/v1\?limit=%31\n/);
    expect(out).toMatch(/^ {2}route {7}\/realer$/m);
    expect(out).toMatch(/^ {2}upstream {4}https:\/\/api\.therealer\.com\/iot\/v1\?limit=%31$/m);
    expect(out).toMatch(/^ {2}credential {2}realer \(client_credentials at provider realer\)$/m);
    expect(out).toMatch(/^ {2}callers {5}billing$/m);
    expect(out).toMatch(/^ {2}injected {4}Authorization: Bearer \{access_token\}$/m);
    expect(out).toMatch(/^ {2}set {9}X-Set$/m);
    expect(out).toMatch(/^ {2}removed .*\bauthorization\b[^:]*\bcookie\b[^:]*\n {14}[^:]*\bx-removed\b/m);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('shows no secret in any form', async () => {
    for (const args of [['/realer/x'], ['/keyed/x'], ['/keyed/x', '--json']]) {
      expect((await explain('GET', ...args)).out).not.toContain('S3CR3T');
    }
  });

  it.each([[], ['--json']])('shows no secret in the address of an upstream %j', async (...args: string[]) => {
    const secretive = configFile(text.replaceAll('https://api.example/v2', 'https://api.example/S3CR3T-6'));
    try {
      const { out } = await cupbearer(['explain', '-c', secretive.path, 'GET', '/keyed/x', ...args]);
      expect(out).toContain('https://api.example/[secret]/keyed/x');
    } finally {
      secretive.remove();
    }
  });

  it('shows the names and placeholders of what is attached', async () => {
    const { fields, upstream, tenant_header } = await explained('GET', '/keyed/x');
    expect(fields.injected).toEqual([
      'Authorization: Key ***{access_token}',
      'X-Org: ***',
      'X-From: {issued_by}',
    ]);
    expect(upstream).toBe('https://api.example/v2/keyed/x');
    expect(tenant_header).toBe('X-Location-Id');
    expect(fields.removed).toEqual(expect.arrayContaining(['x-org', 'x-from', 'x-location-id', 'x-api-key']));
    expect(fields.removed).not.toContain('cookie');
  });

  it.each([
    'http://localhost:8080/realer/x?y=1',
    'http://127.0.0.1/realer/x?y=1',
    'http://[::1]:8080/realer/x?y=1',
    'HTTP://Proxy.Example/realer/x?y=1',
  ])('takes the whole URL %s', async (url) => {
    expect(await explained('GET', url)).toMatchObject({
      target: '/realer/x?y=1',
      upstream: 'https://api.therealer.com/x?y=1',
    });
  });

  it.each([
    ['GET', '/relaer/x', 404, 'route-not-found', /did you mean \/realer\?$/],
    ['GET', '/other-place', 404, 'route-not-found', /the routes are \/realer, \/keyed$/],
    ['GET', 'http://localhost:8080', 404, 'route-not-found', /no route/],
    ['GET', '/realerx', 404, 'route-not-found', /no route/],
    ['GET', '/realer/../keyed', 400, 'path-refused', /dot segment/],
    ['GET', '/realer/%2e%2e/keyed', 400, 'path-refused', /dot segment/],
    ['GET', 'http://localhost:8080/realer/../keyed', 400, 'path-refused', /dot segment/],
    ['GET', '/realer//evil.example', 400, 'path-refused', /starts with "\/\/"/],
    ['GET', 'realer/x', 400, 'malformed-request', /must be a path/],
    ['GET', 'http://evil.example/realer', 421, 'host-refused', /server\.hosts/],
    ['GET', 'http://me@localhost/realer', 400, 'malformed-request', /Host field is malformed/],
    ['GET', 'http://localhost:99999/realer', 400, 'malformed-request', /Host field is malformed/],
    ['GET', 'http://[::1/realer', 400, 'malformed-request', /Host field is malformed/],
    ['GET', 'http://localhost/realer#x', 400, 'path-refused', /"#"/],
    ['NEVER', '/realer', 400, 'malformed-request', /not valid HTTP/],
    ['PUT', '/realer/x', 405, 'method-not-allowed', /allows GET, POST/],
    ['TRACE', '/keyed', 405, 'method-not-allowed', /never forwarded/],
    ['G T', '/keyed', 400, 'malformed-request', /not a method/],
  ])('says why %s %s is refused', async (method, url, status, code, detail) => {
    const result = await explain(method, url, '--json');
    expect(result.code).toBe(1);
    expect(JSON.parse(result.out)).toMatchObject({
      refused: { status, code, detail: expect.stringMatching(detail) },
    });
    expect((await explain(method, url)).out).toContain(`\n  refused     ${status} ${code}: `);
  });

  it('ends with 2 when the configuration is wrong', async () => {
    const { code, err } = await cupbearer(['explain', '-c', '/nowhere.yaml', 'GET', '/']);
    expect([code, err]).toEqual([2, expect.stringMatching(/^\/nowhere\.yaml: /)]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { type RawResponse, rawRequest, values } from '../support/raw.ts';
import { expectNoSecret, type Setting, useSetting } from './setting.ts';

const webSocket = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
];
/** Every refusal holds for a plain request and for one that asks for a WebSocket on a route that lets it through. */
const kinds = [
  ['plainly', ['Connection: close']],
  ['with Upgrade', webSocket],
] as const;

const request = (line: string, fields: readonly string[], body = '') =>
  Buffer.from(`${[line, ...fields].join('\r\n')}\r\n\r\n${body}`, 'latin1');
const port = (s: Setting, field: string) => field.replaceAll('PORT', String(s.proxy.port));

/** Nobody has been asked for anything, and no page could have read the answer. */
function expectRefused(s: Setting, response: RawResponse): void {
  expectNoSecret(response);
  expect([s.up.accepted, s.up2.accepted, s.tokens.calls, s.tokens2.calls]).toEqual([0, 0, 0, 0]);
  expect(response.head).not.toMatch(/^access-control-/im);
  expect(values(response, 'cross-origin-resource-policy')).toEqual(['same-origin']);
  expect(values(response, 'x-content-type-options')).toEqual(['nosniff']);
}

describe.each(kinds)('B: what browsers send, %s', (_kind, extra) => {
  const s = useSetting({
    server: 'origins: ["http://localhost:3000", "https://app.test"]',
    route: ', upgrade: true',
  });
  const get = (fields: readonly string[], line = 'GET /api/x HTTP/1.1') =>
    rawRequest(s.proxy.port, request(port(s, line), [...extra, ...fields.map((field) => port(s, field))]));
  const own = 'Host: 127.0.0.1:PORT';

  it.each([
    'evil.test:PORT',
    'localhost.',
    'localhost.:PORT',
    '127.1:PORT',
    '2130706433:PORT',
    '0x7f.1:PORT',
    '0.0.0.0:PORT',
    '[::]:PORT',
    '[::ffff:127.0.0.1]:PORT',
    '127.0.0.1.evil.test:PORT',
    'localhost.evil.test',
    'api.localhost:PORT',
    'up.test',
  ])('B3, B4 refuse Host: %s', async (host) => {
    const response = await get([`Host: ${host}`]);
    expect(response.status).toBe(421);
    expectRefused(s, response);
  });

  it.each(['localhost:PORT', 'LOCALHOST:PORT', '127.0.0.1', '[::1]:PORT', 'localhost:1'])(
    'B4 allows Host: %s',
    async (host) => {
      expect((await get([`Host: ${host}`])).status).toBe(200);
    },
  );

  it.each([
    [
      'B3 with the Origin of the rebound name',
      ['Host: rebound.test:PORT', 'Origin: http://rebound.test:PORT'],
    ],
    ['B3 with an allowed Origin', ['Host: rebound.test:PORT', 'Origin: https://app.test']],
    ['B3 as same-origin', ['Host: rebound.test:PORT', 'Sec-Fetch-Site: same-origin']],
  ])('%s refuses a rebound name', async (_id, fields) => {
    const response = await get(fields);
    expect(response.status).toBe(421);
    expectRefused(s, response);
  });

  it.each([
    ['B6', ['Origin: https://evil.test']],
    ['B6', ['Origin: http://127.0.0.1:PORT']],
    ['B7', ['Origin: null']],
    ['B8', ['Origin: http://localhost:3001']],
    ['B8', ['Origin: http://localhost:3000/']],
    ['B8', ['Origin: HTTP://localhost:3000']],
    ['B8', ['Origin: http://localhost:3000.evil.test']],
    ['B8', ['Origin: https://localhost:3000']],
    ['B9', ['Origin: ']],
    ['B9', ['Origin: %%%']],
    ['B9', ['Origin: http://[']],
    ['B9', ['Origin: \xff\xfe\x80']],
    ['B9', ['Origin: http://localhost:3000', 'Origin: http://localhost:3000']],
    ['B9', ['Origin: http://localhost:3000', 'origin: https://evil.test']],
    ['B9', ['Origin: http://localhost:3000 http://localhost:3000']],
    ['B9', ['Sec-Fetch-Site: cross-site']],
    ['B9', ['Sec-Fetch-Site: same-site']],
    ['B9', ['Sec-Fetch-Site: same-origin']],
    ['B9', ['Sec-Fetch-Site: ']],
    ['B9', ['Sec-Fetch-Site: none', 'Sec-Fetch-Site: cross-site']],
    ['B9', ['Sec-Fetch-Site: none', 'Sec-Fetch-Mode: navigate']],
    ['B9', ['Sec-Fetch-Site: cross-site', 'Origin: null']],
  ])('%s refuses %j', async (_id, fields) => {
    const response = await get([own, ...fields]);
    expect(response.status).toBe(403);
    expectRefused(s, response);
  });

  it.each([
    [['Origin: http://localhost:3000']],
    [['Origin: https://app.test', 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: websocket']],
    [['Sec-Fetch-Site: none']],
    [['Sec-Fetch-Mode: cors']],
  ])(
    'B8 lets through what server.origins names, and programs that speak like browsers: %j',
    async (fields) => {
      const response = await get([own, ...fields]);
      expect(response.status).toBe(200);
      expect(response.head).not.toMatch(/^access-control-/im);
    },
  );

  it.each([
    ['B9 an Origin of 8 KiB', ['Origin: http://PAD.test'], 403],
    ['B9 an Origin beyond the bound of a head', ['Origin: http://PADPADPAD.test'], 431],
    ['B9 a Host of 8 KiB', ['Host: PAD.test'], 421],
    ['B9 an unclosed Host', ['Host: ['], 400],
    ['B9 a Host of nothing but bytes', ['Host: \xff\xfe'], 421],
    ['B9 two Hosts', [own, own], 400],
  ])('%s is refused', async (_id, fields, status) => {
    const padded = fields.map((field) => field.replaceAll('PAD', 'a'.repeat(8_000)));
    const response = await get(_id.includes('Host') ? padded : [own, ...padded]);
    expect(response.status).toBe(status);
    expect([s.up.accepted, s.tokens.calls]).toEqual([0, 0]);
  });

  it.each(['http://localhost:PORT/api/x', 'http://evil.test/api/x'])(
    'B18 refuses the target %s with a foreign Host',
    async (target) => {
      const response = await get(['Connection: close', 'Host: evil.test'], `GET ${target} HTTP/1.1`);
      expect(response.status).toBe(421);
      expectRefused(s, response);
    },
  );

  it('B18 refuses a foreign target with our Host', async () => {
    const response = await get(['Connection: close', own], 'GET http://evil.test/api/x HTTP/1.1');
    // Such a handshake is on no route, so it is no Upgrade that is followed.
    expect(response.status).toBe(421);
    expectRefused(s, response);
  });

  it('gives a proper answer to any bytes in what browsers send', async () => {
    const anything = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const known = fc.constantFrom(
      'localhost',
      'https://app.test',
      'null',
      'none',
      'cross-site',
      '[::1]:80',
      '',
    );
    const name = fc.constantFrom(
      'Host',
      'Origin',
      'Sec-Fetch-Site',
      'Sec-Fetch-Mode',
      'Sec-Fetch-Dest',
      'Access-Control-Request-Method',
      'Access-Control-Request-Headers',
      'Access-Control-Request-Private-Network',
    );
    const field = fc.tuple(name, fc.oneof(known, anything)).map(([key, value]) => `${key}: ${value}`);
    const seen = new Set<number>();
    await fc.assert(
      fc.asyncProperty(fc.array(field, { maxLength: 6 }), fc.boolean(), async (fields, hasHost) => {
        const { status } = await get([...(hasHost ? [own] : []), ...fields]);
        seen.add(status);
        expect([200, 400, 403, 421, 431]).toContain(status);
      }),
      { numRuns: 400 },
    );
    expect([...seen]).toEqual(expect.arrayContaining([200, 400, 403]));
  });
});

describe('B: preflights and what web pages send with a body', () => {
  const s = useSetting({ server: 'origins: ["https://app.test"]' });

  it.each([
    ['B11', ['Origin: https://evil.test', 'Access-Control-Request-Method: PUT']],
    [
      'B11',
      [
        'Origin: https://evil.test',
        'Access-Control-Request-Method: PUT',
        'Access-Control-Request-Private-Network: true',
      ],
    ],
    ['B11', ['Access-Control-Request-Method: GET', 'Access-Control-Request-Headers: x-api-key']],
    ['B11', ['Access-Control-Request-Private-Network: true']],
    ['B11', ['Origin: https://app.test', 'Access-Control-Request-Method: PUT']],
  ])('%s refuses the preflight %j', async (_id, fields) => {
    const response = await s.send('OPTIONS /api/x', fields);
    expect(response.status).toBe(403);
    expect(JSON.parse(response.body)).toMatchObject({ type: 'urn:cupbearer:problem:browser-refused' });
    expectRefused(s, response);
  });

  it('B11 passes a plain OPTIONS', async () => {
    expect((await s.send('OPTIONS /api/x')).status).toBe(200);
    expect(s.up.requests[0]!.method).toBe('OPTIONS');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b'])(
    'B6 refuses a POST of %s from a page',
    async (type) => {
      const fields = ['Origin: https://evil.test', `Content-Type: ${type}`, 'Content-Length: 5'];
      const response = await s.send('POST /api/x', fields, 'a=b&c');
      expect(response.status).toBe(403);
      expectRefused(s, response);
    },
  );
});

describe('B: what browsers make of answers', () => {
  const s = useSetting();
  const answered = async (...fields: string[]) => {
    s.answer = () => `${['HTTP/1.1 200 OK', 'Content-Length: 2', ...fields].join('\r\n')}\r\n\r\nok`;
    const response = await s.send('GET /api/x');
    expect(response.status).toBe(200);
    return response.fields.map(([name, value]) => `${name}: ${value}`);
  };

  it.each([
    ['B12', 'Access-Control-Allow-Origin: *'],
    ['B12', 'access-control-allow-credentials: true'],
    ['B12', 'Access-Control-Allow-Private-Network: true'],
    ['B12', 'Access-Control-Expose-Headers: *'],
    ['B12', 'Timing-Allow-Origin: *'],
    ['B12', 'Cross-Origin-Resource-Policy: cross-origin'],
    ['B13', 'Alt-Svc: h3=":443"'],
    ['B13', 'Strict-Transport-Security: max-age=1'],
    ['B13', 'Public-Key-Pins: x'],
    ['B13', 'Expect-CT: max-age=1'],
    ['B13', 'Clear-Site-Data: "*"'],
    ['B13', 'Service-Worker-Allowed: /'],
    ['B13', 'Set-Cookie: a=1; Domain=up.test'],
    ['B13', 'NEL: {}'],
    ['B13', 'Report-To: {}'],
    ['B13', 'X-Content-Type-Options: sniff'],
    ['B13', 'X-Hono-Already-Sent: true'],
  ])('%s takes out %s', async (_id, field) => {
    expect(await answered(field)).not.toContain(field);
  });

  it.each([
    'Link: </next>; rel=next',
    'Content-Security-Policy: sandbox',
    'Refresh: 5',
    'X-Frame-Options: DENY',
  ])('B13 leaves %s, which holds for the one answer', async (field) =>
    expect(await answered(field)).toContain(field),
  );

  it('tells browsers to keep answers to themselves, once', async () => {
    const fields = await answered('cross-origin-resource-policy: cross-origin', 'x-content-type-options: x');
    expect(fields.filter((field) => /^(cross-origin-resource|x-content-type)/i.test(field))).toEqual([
      'Cross-Origin-Resource-Policy: same-origin',
      'X-Content-Type-Options: nosniff',
    ]);
  });
});

const callers =
  '{ app: { key: SENT-KEY }, old: { key: [SENT-KEY-OF-OLD, SENT-KEY-OF-OLDER], routes: [/api] } }';
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('B: keys of callers', () => {
  const s = useSetting({ callers, route: ', upgrade: true' }, ['X-Api-Key: SENT-KEY']);
  /** What an answer says, without what differs in every one. */
  const own = new Set(['date', 'content-length', 'x-request-id']);
  const said = (response: RawResponse) => [
    response.status,
    response.body.replace(/"(?:instance|trace_id)":"[^"]*"/g, ''),
    response.fields.filter(([name]) => !own.has(name.toLowerCase())),
  ];

  it.each([
    ['B1 no key', []],
    ['B2 a wrong key as long as the right one', ['X-Api-Key: SENT-KEX']],
    ['B2 a shorter one', ['X-Api-Key: SENT-KE']],
    ['B2 a longer one', ['X-Api-Key: SENT-KEYS']],
    ['B2 a long one', [`X-Api-Key: ${'k'.repeat(15_000)}`]],
    ['B2 one of odd bytes', ['X-Api-Key: \xff\xfe\x80']],
    ['B2 an empty one', ['X-Api-Key: ']],
    ['B2 the right one twice', ['X-Api-Key: SENT-KEY', 'x-api-key: SENT-KEY']],
    ['B2 the right one in two fields', ['X-Api-Key: SENT-KEY', 'Proxy-Authorization: Bearer SENT-KEY']],
    [
      'B2 the right one in Authorization twice',
      [`Authorization: ${basic('a:SENT-KEY')}`, `Authorization: ${basic('a:SENT-KEY')}`],
    ],
    ['B2 a wrong one before a right one', ['X-Api-Key: x', `Authorization: ${basic('a:SENT-KEY')}`]],
    ['B2 the right one as a Bearer token', ['Authorization: Bearer SENT-KEY']],
    ['C16 the right one in a field of another name', ['X-Key: SENT-KEY']],
    [
      'C16 the right one in another spelling',
      ['X_Api_Key: SENT-KEY', 'X.Api.Key: SENT-KEY', 'Proxy_Authorization: Bearer SENT-KEY'],
    ],
    ['C16 the right one in a cookie', ['Cookie: X-Api-Key=SENT-KEY; key=SENT-KEY']],
    ['B14 a health check', ['User-Agent: kube-probe/1.30']],
  ])('%s is refused, alike', async (_id, fields) => {
    const response = await s.send('GET /api/x', fields);
    expect(response.status).toBe(401);
    expect(said(response)).toEqual(said(await s.send('GET /api/x')));
    expect(said(response)).toEqual(said(await s.send('GET /nowhere')));
    expectRefused(s, response);
  });

  it.each(['/api/x?X-Api-Key=SENT-KEY&api_key=SENT-KEY&key=SENT-KEY', '/livez', '/'])(
    'C16, B14 %s is refused without a key',
    async (target) => {
      const response = await s.send(`GET ${target}`);
      expect(response.status).toBe(401);
      expectRefused(s, response);
    },
  );

  it('B2 a key of 1 MB is refused by its size', async () => {
    const response = await s.send('GET /api/x', [`X-Api-Key: ${'k'.repeat(1_000_000)}`]);
    expect(response.status).toBe(431);
    expect(s.up.accepted).toBe(0);
  });

  it.each([
    ['B1 no key', []],
    ['B2 a wrong key', ['X-Api-Key: x']],
  ])('%s is refused with Upgrade', async (_id, fields) => {
    const bytes = request('GET /api/x HTTP/1.1', ['Host: localhost', ...webSocket, ...fields]);
    const response = await rawRequest(s.proxy.port, bytes);
    expect(response.status).toBe(401);
    expectRefused(s, response);
  });

  it.each([
    ['X-Api-Key: SENT-KEY'],
    ['x_api_key: SENT-KEY', 'X-API-KEY: SENT-KEY', 'X.Api.Key: SENT-KEY'],
    ['Proxy-Authorization: Bearer SENT-KEY', 'proxy_authorization: SENT-KEY'],
    [`Proxy-Authorization: ${basic('app:SENT-KEY')}`, 'Authorization: Bearer SENT-KEY'],
    [`Authorization: ${basic('app:SENT-KEY')}`, 'authorization_: SENT-KEY'],
    ['X-Api-Key: SENT-KEY-OF-OLD'],
    ['X-Api-Key: SENT-KEY-OF-OLDER', 'Connection: X-Api-Key', 'Cookie: key=SENT-KEY'],
  ])('C16 the key of %s… opens, and never reaches the upstream', async (...fields) => {
    expect((await s.send('GET /api/x', fields)).status).toBe(200);
    expect(values(s.up.requests[0]!, 'authorization')).toEqual(['Bearer SENT-T1']);
    expect(s.up.bytes()).not.toContain('SENT-KEY');
    expect(s.up.bytes()).not.toMatch(/api.key|proxy.authorization/i);
  });

  it('C16 a key stays out of an upstream that has such a field itself', async () => {
    expect((await s.send('GET /api2/x', ['X-Api-Key: SENT-KEY', 'X_Api_Key: SENT-KEY'])).status).toBe(200);
    expect(s.up2.requests[0]!.fields.filter(([name]) => /api.key/i.test(name))).toEqual([
      ['X-Api-Key', 'SENT-K1'],
    ]);
    expect(s.up2.bytes()).not.toContain('SENT-KEY');
  });

  it('a key opens no route that is not its own', async () => {
    expect((await s.send('GET /api2/x', ['X-Api-Key: SENT-KEY-OF-OLD'])).status).toBe(403);
    expect(s.up2.accepted).toBe(0);
  });
});

describe('B15: ten thousand wrong keys', () => {
  const s = useSetting({ callers, route: ', upgrade: true' }, ['X-Api-Key: SENT-KEY']);

  it('B15 are slowed down, told of in a few lines, and lock nobody out', async () => {
    const start = performance.now();
    const statuses: number[] = [];
    let left = 10_000;
    const guess = async () => {
      while (left-- > 0) {
        const response = await s.send('GET /api/x', [`X-Api-Key: guess-${left}`]);
        statuses.push(response.status);
        if (response.status !== 429) continue;
        expect(values(response, 'retry-after')).toEqual(['1']);
        expect(values(response, 'connection')).toEqual(['close']);
      }
    };
    const good: number[] = [];
    const use = async () => {
      while (left > 0) good.push((await s.send('GET /api/x', ['X-Api-Key: SENT-KEY'])).status);
    };
    await Promise.all([use(), ...Array.from({ length: 32 }, guess)]);
    const seconds = (performance.now() - start) / 1000;
    expect(statuses).toHaveLength(10_000);
    const unknown = statuses.filter((status) => status === 401).length;
    expect(unknown).toBeGreaterThanOrEqual(20);
    expect(unknown).toBeLessThanOrEqual(21 + seconds);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10_000 - unknown);
    expect(good.length).toBeGreaterThan(10);
    expect(new Set(good)).toEqual(new Set([200]));
    const lines = s.proxy
      .log()
      .trim()
      .split('\n')
      .filter((line) => !line.includes('"status":200'));
    expect(lines.filter((line) => line.includes('caller-unknown'))).toHaveLength(unknown);
    expect(lines.filter((line) => line.includes('too-many-attempts')).length).toBeLessThanOrEqual(
      1 + seconds / 10,
    );
    expect(lines.length).toBeLessThan(60 + seconds);
  }, 60_000);

  it('B15 end a connection that goes on guessing, with Upgrade too', async () => {
    for (let i = 0; i < 20; i++) expect((await s.send('GET /api/x')).status).toBe(401);
    const bytes = (fields: readonly string[]) =>
      request('GET /api/x HTTP/1.1', ['Host: localhost', 'X-Api-Key: guess', ...fields]);
    const kept = await rawRequest(s.proxy.port, Buffer.concat([bytes([]), bytes([])]));
    expect(kept.text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 429']);
    const response = await rawRequest(s.proxy.port, bytes(webSocket));
    expect(response.status).toBe(429);
    expectRefused(s, response);
  });
});

describe('B19: a listener beyond loopback', () => {
  const config = (listen: string) => `server: { listen: "${listen}", admin: off }
credentials: { c: { provider: realer, client_id: a, client_secret: b } }
routes: { /a: { credential: c } }
`;

  it.each(['0.0.0.0:0', '[::]:0', '192.0.2.1:0'])(
    'B19 is not started on %s without callers',
    async (listen) => {
      const directory = mkdtempSync(join(tmpdir(), 'cupbearer-'));
      const file = join(directory, 'routes.yaml');
      writeFileSync(file, config(listen));
      const { code, err } = await runCommand(['serve', '--config', file], {}).ended;
      rmSync(directory, { recursive: true });
      expect(code).toBe(2);
      expect(err).toContain('beyond loopback everyone on the network could use the credentials');
    },
  );
});

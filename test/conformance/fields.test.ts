import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rawRequest, values } from '../support/raw.ts';
import { useSetting } from './setting.ts';

describe('C: connection-nominated, credential and forwarded fields', () => {
  const s = useSetting();
  const sent = async (...fields: string[]) => {
    expect((await s.send('GET /api/x', fields)).status).toBe(200);
    return s.up.requests[0]!;
  };

  it.each([
    ['C1', ['Connection: authorization']],
    ['C2', ['connection: AUTHORIZATION, close', 'Connection: close', 'Connection: Authorization']],
  ])('%s keeps the injected Authorization that Connection nominates', async (_id, fields) => {
    expect(values(await sent(...fields), 'authorization')).toEqual(['Bearer SENT-T1']);
  });

  it('C3 keeps the injected X-Api-Key that Connection nominates', async () => {
    expect((await s.send('GET /api2/x', ['Connection: x-api-key'])).status).toBe(200);
    expect(values(s.up2.requests[0]!, 'x-api-key')).toEqual(['SENT-K1']);
  });

  it('C5 drops a nominated field and keeps the others', async () => {
    const request = await sent('Connection: x-foo', 'X-Foo: 1', 'X-Bar: 2');
    expect(values(request, 'x-foo')).toEqual([]);
    expect(values(request, 'x-bar')).toEqual(['2']);
  });

  it('C6 drops nominated end-to-end fields, but still adds its own Via', async () => {
    const request = await sent('Connection: cookie, user-agent, via', 'User-Agent: me', 'Via: 1.0 fred');
    expect(values(request, 'user-agent')).toEqual([]);
    expect(values(request, 'via')[0]).toMatch(/1\.1 cupbearer-/);
  });

  it('C8 sends no hop-by-hop field upstream', async () => {
    const request = await sent(
      'Keep-Alive: 5',
      'Proxy-Connection: x',
      'TE: gzip, trailers',
      'Trailer: x',
      'Upgrade: foo',
      'HTTP2-Settings: x',
      'Proxy-Authorization: Basic x',
      'Proxy-Authenticate: x',
      'Expect: 100-continue',
    );
    const names = request.fields.map(([name]) => name.toLowerCase());
    const own = ['host', 'connection', 'via', 'authorization', 'x-request-id', 'traceparent'];
    expect(names.filter((name) => !own.includes(name))).toEqual([]);
  });

  it.each(['Connection: X-Hop, close', 'connection: close, x-hOP', 'Connection: close\r\nConnection: X-Hop'])(
    'C9 hides response fields that "%s" nominates',
    async (connection) => {
      s.answer = () =>
        `HTTP/1.1 200 OK\r\n${connection}\r\nX-Hop: s\r\nX-Extension: e\r\nKeep-Alive: timeout=9\r\nContent-Length: 2\r\n\r\nok`;
      const response = await s.send('GET /api/x');
      expect(response.status).toBe(200);
      expect(values(response, 'x-hop')).toEqual([]);
      expect(values(response, 'x-extension')).toEqual(['e']);
      expect(response.text).not.toContain('timeout=9');
      expect(response.body).toBe('ok');
    },
  );

  it.each([
    ['C10', ['Authorization: Bearer mine']],
    ['C12', ['Authorization: a', 'AUTHORIZATION: b']],
    ['C13', ['Authorization_: x', 'author.ization: y']],
    ['C15', ['Cookie: a=b', 'Proxy_Authorization: z']],
  ])('%s lets no credential of the caller through', async (_id, fields) => {
    const request = await sent(...fields);
    expect(values(request, 'authorization')).toEqual(['Bearer SENT-T1']);
    expect(values(request, 'cookie')).toEqual([]);
    expect(values(request, 'proxy_authorization')).toEqual([]);
  });

  it.each([['authorization\x00: x'], ['Authorization : x']])('C13 refuses the field %j', async (field) => {
    expect((await s.send('GET /api/x', [field])).status).toBe(400);
    expect(s.up.accepted).toBe(0);
  });

  it('C12 drops underscore and dot spellings of the credential field of the route', async () => {
    expect((await s.send('GET /api2/x', ['X_Api_Key: a', 'X.Api.Key: b', 'x-API-key: c'])).status).toBe(200);
    expect(s.up2.requests[0]!.fields.filter(([name]) => /api.key/i.test(name))).toEqual([
      ['X-Api-Key', 'SENT-K1'],
    ]);
  });

  it('C17 drops the forwarded family', async () => {
    const request = await sent(
      'Forwarded: for=1',
      'X-Forwarded-For: 1',
      'X_Forwarded_For: 2',
      'X-Forwarded-Host: h',
      'X-Real-IP: 3',
    );
    expect(request.fields.filter(([name]) => /forwarded|real/i.test(name))).toEqual([]);
  });

  it('C18 refuses a foreign Host and takes the upstream Host from the configuration', async () => {
    const response = await s.send('GET /api/x', []);
    expect(values(s.up.requests[0]!, 'host')).toEqual([`127.0.0.1:${s.up.port}`]);
    expect(response.status).toBe(200);
    const foreign = await rawRequest(
      s.proxy.port,
      'GET /api/x HTTP/1.1\r\nHost: up.test\r\nConnection: close\r\n\r\n',
    );
    expect(foreign.status).toBe(421);
    expect(s.up.requests).toHaveLength(1);
  });

  it('C19 appends itself to Via and breaks loops', async () => {
    const request = await sent('Via: 1.0 fred');
    const via = values(request, 'via')[0] ?? '';
    expect(via).toMatch(/^1\.0 fred, 1\.1 cupbearer-\w+$/);
    const looped = await s.send('GET /api/x', [`Via: ${via}`]);
    expect(looped.status).toBe(508);
    expect(s.up.requests).toHaveLength(1);
  });

  it('C20 passes Max-Forwards on GET on', async () => {
    expect(values(await sent('Max-Forwards: 0'), 'max-forwards')).toEqual(['0']);
  });

  it.each([
    ['a route', 'OPTIONS /api/x', ['Max-Forwards: 0']],
    ['a route, in another spelling', 'OPTIONS /api/x', ['mAX-fORWARDS: 000']],
    ['this server', 'OPTIONS *', []],
    ['this server, with Max-Forwards', 'OPTIONS *', ['Max-Forwards: 7']],
  ])('C20 P23 answers OPTIONS for %s itself when it goes no further', async (_of, line, fields) => {
    const response = await s.send(line, [...fields, 'X-Mine: 1', 'Content-Length: 4'], 'mine');
    expect(response.status).toBe(204);
    expect(values(response, 'allow')).toEqual(['GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
    expect(response.body).toBe('');
    expect(response.text).not.toMatch(/mine|content-length/i);
    expect(s.proxy.log()).toMatch(/"method":"OPTIONS",.*"status":204/);
    expect(s.up.accepted + s.tokens.calls).toBe(0);
  });

  it.each([
    ['1', '0'],
    ['70', '69'],
    ['0010', '9'],
  ])('C20 passes OPTIONS with Max-Forwards %s on with %s', async (given, passed) => {
    const fields = ['X-Before: 1', `max-forwards: ${given}`, 'X-After: 2'];
    expect((await s.send('OPTIONS /api/x', fields)).status).toBe(200);
    expect(s.up.bytes()).toContain(`X-Before: 1\r\nmax-forwards: ${passed}\r\nX-After: 2\r\n`);
  });

  it.each([['-1'], ['1, 2'], ['x'], [''], ['1\r\nMax-Forwards: 1'], ['99999999999']])(
    'C20 refuses OPTIONS with Max-Forwards %j',
    async (value) => {
      expect((await s.send('OPTIONS /api/x', [`Max-Forwards: ${value}`])).status).toBe(400);
      expect(s.up.accepted).toBe(0);
    },
  );

  it.each([
    ['a foreign Host', 'OPTIONS * HTTP/1.1\r\nHost: evil.test', 421],
    ['an Origin', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.test', 403],
    ['bad framing', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip', 400],
  ])('C20 P23 looks at OPTIONS * as at any request: %s', async (_with, head, status) => {
    const response = await rawRequest(s.proxy.port, `${head}\r\nConnection: close\r\n\r\n`);
    expect(response.status).toBe(status);
  });

  it('C22 lets exactly one credential arrive, byte for byte, for any fields of the caller', async () => {
    const name = fc.oneof(
      fc.constantFrom(
        'Authorization',
        'authorization',
        'AUTHORIZATION',
        'Authorization_',
        'Connection',
        'X-A',
        'Cookie',
        'TE',
        'Via',
        'X_Forwarded_For',
      ),
      fc
        .stringMatching(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}$/)
        .filter(
          (n) => !/^(?:host|content-length|transfer-encoding|origin|expect|sec-fetch-site|upgrade)$/i.test(n),
        ),
    );
    const value = fc.oneof(
      fc.constantFrom('authorization', 'close, authorization', 'Bearer mine'),
      fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 10 }), async (fields) => {
        const before = s.up.requests.length;
        const response = await s.send(
          'GET /api/x',
          fields.map(([n, v]) => `${n}: ${v}`),
        );
        if (response.status === 400) return;
        expect(response.status).toBe(200);
        const request = s.up.requests[before]!;
        const credentials = request.fields.filter(
          ([n]) => n.toLowerCase().replace(/[_.]/g, '-') === 'authorization',
        );
        expect(credentials).toEqual([['Authorization', 'Bearer SENT-T1']]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('C20 with callers', () => {
  const s = useSetting({ callers: '{ app: { key: SENT-KEY } }' }, ['X-Api-Key: SENT-KEY']);

  it.each(['OPTIONS *', 'OPTIONS /api/x'])('C20 P23 %s needs a key too', async (line) => {
    expect((await s.send(line, ['Max-Forwards: 0'])).status).toBe(401);
    expect((await s.send(line, ['Max-Forwards: 0', 'X-Api-Key: SENT-KEY'])).status).toBe(204);
    expect(s.up.accepted).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { duplex } from '../support/duplex.ts';
import { rawRequest, values } from '../support/raw.ts';
import { useSetting } from './setting.ts';

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

describe('H: headers, methods, versions', () => {
  const s = useSetting();
  const own = 'Host: HOST';
  /** A request with exactly these lines, HOST being the own host. */
  const raw = (...lines: string[]) =>
    rawRequest(
      s.proxy.port,
      Buffer.from(`${lines.join('\r\n')}\r\n\r\n`.replaceAll('HOST', `127.0.0.1:${s.proxy.port}`), 'latin1'),
    );
  const line = 'GET /api/x HTTP/1.1';
  const many = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: ${i}`);

  it.each<[string, string[], number]>([
    ['H1 no Host', [line], 400],
    ['H2 two Hosts', [line, own, own], 400],
    ['H2 two Hosts, the second foreign', [line, own, 'Host: evil.test'], 400],
    ['H2 two Hosts, the first foreign', [line, 'host: evil.test', own], 400],
    ['H3 an empty Host', [line, 'Host:'], 400],
    ['H3 a Host of blanks', [line, 'Host: \t '], 400],
    ['H4 a list of Hosts', [line, 'Host: HOST, HOST'], 400],
    ['H5 a Host with userinfo', [line, 'Host: a@HOST'], 400],
    ['H6 a Host with a path', [line, 'Host: localhost/x'], 400],
    ['H6 a Host with a query', [line, 'Host: localhost?x'], 400],
    ['H6 a Host with a fragment', [line, 'Host: localhost#x'], 400],
    ['H7 a port beyond all ports', [line, 'Host: localhost:99999'], 400],
    ['H7 a port that is no number', [line, 'Host: localhost:8o80'], 400],
    ['H8 HTTP/1.0 without Host', ['GET /api/x HTTP/1.0'], 400],
    ['H10 a carriage return in a value', [line, own, 'X: a\rb'], 400],
    ['H10 a line feed in a value', [line, own, 'X: a\nAuthorization: b'], 400],
    ['H10 a folded value', [line, own, 'X: a', ' b'], 400],
    ['H11 a NUL in a value', [line, own, 'X: a\0b'], 400],
    ['H11 a DEL in a value', [line, own, 'X: a\x7fb'], 400],
    ['H13 a space in a name', [line, own, 'X A: b'], 400],
    ['H13 a byte beyond ASCII in a name', [line, own, 'X\xe9: b'], 400],
    ['H14 an empty name', [line, own, ': b'], 400],
    ['H14 no colon', [line, own, 'X'], 400],
    ['H15 a field of 20 KiB', [line, own, `X: ${'a'.repeat(20 * 1024)}`], 431],
    ['H16 201 fields', [line, own, ...many(200)], 431],
    ['H17 a field of 16,385 bytes', [line, own, `X: ${'a'.repeat(16_385 - 3)}`], 431],
    [
      'H17 many fields of 17 KiB',
      [line, own, ...Array.from({ length: 17 }, () => `X: ${'a'.repeat(1024)}`)],
      431,
    ],
    ['H23 another expectation', [line, own, 'Expect: foo'], 417],
    [
      'H23 another expectation with a body',
      ['POST /api/x HTTP/1.1', own, 'Expect: foo', 'Content-Length: 3'],
      417,
    ],
    ['H23 another expectation beside 100-continue', [line, own, 'Expect: 100-continue, foo'], 417],
    ['H23 two expectations', [line, own, 'Expect: 100-continue', 'Expect: foo'], 417],
    ['H a method nobody knows', ['FOO /api/x HTTP/1.1', own], 400],
    ['H a method in lower case', ['get /api/x HTTP/1.1', own], 400],
  ])('%s is refused before anything else', async (_id, lines, status) => {
    const answer = await raw(...lines);
    expect(answer.status).toBe(status);
    expect(values(answer, 'connection')).toEqual(['close']);
    expect(JSON.parse(answer.body).status).toBe(status);
    expect(s.proxy.log()).toMatch(new RegExp(`"status":${status},`));
    expect(s.up.accepted + s.up2.accepted + s.tokens.calls).toBe(0);
  });

  it('H reads several spaces in the request line as one', async () => {
    expect((await raw('GET   /api/x HTTP/1.1', own, 'Connection: close')).status).toBe(200);
    expect(s.up.requests.map(({ method, target }) => `${method} ${target}`)).toEqual(['GET /v1/acme/x']);
  });

  it('H8 takes HTTP/1.0 with its Host, and ends the connection with the answer', async () => {
    const answer = await raw('GET /api/x HTTP/1.0', own);
    expect(answer.status).toBe(200);
    expect(values(s.up.requests[0]!, 'host')).toEqual([`127.0.0.1:${s.up.port}`]);
  });

  it('H8 HTTP/1.0 has no expectations: they are not looked at (RFC 9110 §10.1.1)', async () => {
    const answer = await raw('GET /api/x HTTP/1.0', own, 'Expect: foo');
    expect(answer.status).toBe(200);
    expect(s.up.bytes()).not.toMatch(/expect/i);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'H9 forwards a field called %s',
    async (name) => {
      const answer = await raw(line, own, 'Connection: close', `${name}: 1`, `${name}: 2`);
      expect(answer.status).toBe(200);
      expect(values(s.up.requests[0]!, name)).toEqual(['1', '2']);
    },
  );

  it('H12 forwards bytes beyond ASCII as they are', async () => {
    const every = Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join('');
    const answer = await raw(line, own, 'Connection: close', `X-Bytes: \xe9\xff`, `X-Every: ${every}`);
    expect(answer.status).toBe(200);
    expect(s.up.bytes()).toContain(`\r\nX-Bytes: \xe9\xff\r\nX-Every: ${every}\r\n`);
  });

  it('H15 H16 takes 200 fields, and a head of a little less than 16 KiB', async () => {
    const full = await raw(line, own, 'Connection: close', ...many(198));
    expect(full.status).toBe(200);
    expect(values(s.up.requests[0]!, 'x-197')).toEqual(['197']);
    const large = await raw(line, own, 'Connection: close', `X: ${'a'.repeat(16_000)}`);
    expect(large.status).toBe(200);
    expect(values(s.up.requests[1]!, 'x')[0]).toHaveLength(16_000);
  });

  it('H21 HEAD: keeps Content-Length, sends no body, and the connection of the caller goes on', async () => {
    s.answer = ({ method }) =>
      `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${method === 'HEAD' ? '' : 'hello'}`;
    const answer = await raw('HEAD /api/x HTTP/1.1', own, '', line, own, 'Connection: close');
    expect(statuses(answer.text)).toEqual([200, 200]);
    const [head = '', rest = ''] = answer.text.split(/\r\n\r\n(.*)/s);
    expect(head).toMatch(/^content-length: 5$/im);
    expect(rest).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nhello$/s);
    // undici ends an upstream connection after HEAD: some servers send a body all the same.
    expect(s.up.accepted).toBe(2);
  });

  it('H22 Expect: 100-continue gets its 100 first, and the upstream sees none of it', async () => {
    const caller = await duplex(s.proxy.port);
    const head = [
      'POST /api/x HTTP/1.1',
      'Host: localhost',
      'Expect: 100-continue',
      'Content-Length: 3',
      'Connection: close',
    ];
    caller.socket.write(`${head.join('\r\n')}\r\n\r\n`);
    await caller.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    caller.socket.write('abc');
    await caller.closed();
    expect(statuses(caller.received())).toEqual([100, 200]);
    expect(s.up.requests[0]?.body.toString()).toBe('abc');
    expect(s.up.bytes()).not.toMatch(/expect|continue/i);
  });

  it('H24 forwards what selects and compares representations as it is', async () => {
    const fields = [
      'Range: bytes=0-4, -5',
      'If-None-Match: W/"a", "b"',
      'If-Range: "a"',
      'If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT',
      'Accept-Encoding: br;q=1.0, gzip;q=0.5, *;q=0',
      'Accept: text/html;level=1, */*;q=0.1',
    ];
    expect((await raw(line, own, 'Connection: close', ...fields)).status).toBe(200);
    expect(s.up.bytes()).toContain(`\r\n${fields.join('\r\n')}\r\n`);
  });
});

describe('H: what cannot be read', () => {
  const s = useSetting({ server: 'header_timeout: 300ms' });

  it.each([
    ['nothing at all', ''],
    ['a part of a head', 'GET /api/x HTTP/1.1\r\nHost: lo'],
  ])('H a caller that sends %s in time hears 408', async (_id, bytes) => {
    const answer = await rawRequest(s.proxy.port, bytes);
    expect(answer.status).toBe(408);
    expect(values(answer, 'connection')).toEqual(['close']);
    expect(JSON.parse(answer.body).type).toBe('urn:cupbearer:problem:request-timeout');
    expect(s.proxy.log()).toContain('"status":408');
    expect(s.up.accepted).toBe(0);
  });

  it('H a head that ends half way is answered 400', async () => {
    const caller = await duplex(s.proxy.port);
    caller.socket.end('GET /api/x HTTP/1.1\r\nHost: lo');
    await caller.closed();
    expect(statuses(caller.received())).toEqual([400]);
  });

  it('H a body that ends half way is answered 400, and the upstream request is aborted', async () => {
    const caller = await duplex(s.proxy.port);
    const fields = ['Host: localhost', 'Transfer-Encoding: chunked'];
    caller.socket.end(`POST /api/x HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n5\r\nfirst\r\n`);
    await caller.closed();
    expect(statuses(caller.received())).toEqual([400]);
    await expect.poll(() => s.up.connections.size).toBe(0);
    expect(s.up.requests).toEqual([]);
  });

  it('H a caller that breaks the connection is no request and leaves no line', async () => {
    const caller = await duplex(s.proxy.port);
    caller.socket.write('GET /api/x HTTP/1.1\r\nHost: lo');
    await expect.poll(async () => (await s.proxy.usage()).connections).toBe(1);
    caller.socket.resetAndDestroy();
    await expect.poll(async () => (await s.proxy.usage()).connections).toBe(0);
    expect(s.proxy.log()).not.toContain('"msg":"exchange"');
  });
});

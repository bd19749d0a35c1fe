import { describe, expect, it } from 'vitest';
import { type Duplex, duplex } from '../support/duplex.ts';
import { ok, rawRequest, values } from '../support/raw.ts';
import { useSetting } from './setting.ts';
import { type Attempt, pairs, strayBytes, strayLengths } from './smuggling.ts';

/** The statuses of all answers on a connection, in order. */
const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
const hidden = 'GET /secret HTTP/1.1\r\nHost: x\r\n\r\n';

describe('F: framing and smuggling', () => {
  const s = useSetting();
  const host = () => `127.0.0.1:${s.proxy.port}`;
  /** Sends bytes as they are, with the own host for HOST, on one connection. */
  const raw = (text: string, ms?: number) =>
    rawRequest(s.proxy.port, Buffer.from(text.replaceAll('HOST', host()), 'latin1'), ms);
  const open = async (text: string): Promise<Duplex> => {
    const caller = await duplex(s.proxy.port);
    caller.socket.write(Buffer.from(text.replaceAll('HOST', host()), 'latin1'));
    return caller;
  };
  const logged = () =>
    s.proxy
      .log()
      .split('\n')
      .filter((line) => line.includes('"msg":"exchange"'))
      .map((line) => JSON.parse(line) as { status: number; error?: string });
  const post = (...fields: string[]) =>
    `POST /api/x HTTP/1.1\r\n${['Host: HOST', ...fields].join('\r\n')}\r\n\r\n`;
  const chunked = 'Transfer-Encoding: chunked';
  const abc = '3\r\nabc\r\n0\r\n\r\n';
  const more = `GET /api/more HTTP/1.1\r\nHost: HOST\r\n\r\n`;

  it.each<[string, string, number]>([
    [
      'F1 as many fields as Node takes, then Content-Length',
      `${post(...Array(1_990).fill('a:'), 'Content-Length: 5')}abcde`,
      431,
    ],
    ['F1 more fields than Node takes', `${post(...Array(2_100).fill('a:'), 'Content-Length: 5')}abcde`, 431],
    ['F3 Content-Length 4 and 5', `${post('Content-Length: 4', 'Content-Length: 5')}abcde`, 400],
    ['F4 Content-Length 4 twice', `${post('Content-Length: 4', 'Content-Length: 4')}abcd`, 400],
    ['F5 Content-Length "4, 4"', `${post('Content-Length: 4, 4')}abcd`, 400],
    ...[
      '+4',
      '-1',
      '0x4',
      '4 4',
      '',
      '4\x0b',
      '99999999999999999999',
      '18446744073709551620',
      '18446744073709551615',
      '9007199254740993',
      '4.0',
      '4e0',
      '٤',
    ].map((value): [string, string, number] => [
      `F6 Content-Length ${JSON.stringify(value)}`,
      `${post(`Content-Length: ${value}`)}abcd`,
      400,
    ]),
    ...[
      ['F8', 'gzip'],
      ['F9', 'xchunked'],
      ['F10', 'chunked, identity'],
      ['F11', 'identity, chunked'],
      ['F12', 'gzip, chunked'],
      ['F12', ', chunked'],
      ['F12', 'chunked,'],
      ['F12', 'chunked;q=1'],
      ['F12', '"chunked"'],
      ['F12', ''],
    ].map(([id, value]): [string, string, number] => [
      `${id} Transfer-Encoding "${value}"`,
      post(`Transfer-Encoding: ${value}`) + abc,
      400,
    ]),
    ['F13 Transfer-Encoding twice', post(chunked, chunked) + abc, 400],
    [
      'F13 Transfer-Encoding gzip and chunked in two lines',
      post('Transfer-Encoding: gzip', chunked) + abc,
      400,
    ],
    ['F14 a space before the colon', post('Transfer-Encoding : chunked') + abc, 400],
    ['F14 a vertical tab before the value', post('Transfer-Encoding:\x0bchunked') + abc, 400],
    ['F14 a space in the name', post('Transfer Encoding: chunked') + abc, 400],
    ['F14 a folded line', post('X: y\r\n Transfer-Encoding: chunked') + abc, 400],
    ['Content-Length before Transfer-Encoding', post('Content-Length: 5', chunked) + abc, 400],
    ['Content-Length behind Transfer-Encoding', post(chunked, 'Content-Length: 5') + abc, 400],
    ['F24 HTTP/1.0 with chunked', `POST /api/x HTTP/1.0\r\nHost: HOST\r\n${chunked}\r\n\r\n${abc}`, 400],
    [
      'F25 a GET of HTTP/1.0 with a body',
      'GET /api/x HTTP/1.0\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nabc',
      400,
    ],
    [
      'F25 a HEAD of HTTP/1.0 with a body',
      'HEAD /api/x HTTP/1.0\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nabc',
      400,
    ],
    ...['HTTP/2.0', 'HTTP/1.2', 'HTTP/0.9', 'HTTP/3.0', 'HTTP/1.10', ''].map(
      (version): [string, string, number] => [
        `F31 "${version}"`,
        `GET /api/x${version && ' '}${version}\r\nHost: HOST\r\n\r\n`,
        505,
      ],
    ),
    ['F31 the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
    ['F31 a version in lower case', 'GET /api/x http/1.1\r\nHost: HOST\r\n\r\n', 400],
  ])('%s is refused, and what follows is no request', async (_id, bytes, status) => {
    const answer = await raw(bytes + more);
    expect(statuses(answer.text)).toEqual([status]);
    expect(values(answer, 'connection')).toEqual(['close']);
    expect(values(answer, 'content-type')).toEqual(['application/problem+json']);
    expect(values(answer, 'proxy-status')).toHaveLength(1);
    if (!bytes.startsWith('HEAD')) expect(JSON.parse(answer.body).status).toBe(status);
    expect(logged().map((line) => line.status)).toEqual([status]);
    expect(s.proxy.log()).not.toMatch(/api\/x|\babc\b/);
    expect(s.up.accepted + s.up2.accepted + s.tokens.calls).toBe(0);
  });

  it('answers no request that comes after it refused one and while the connection ends', async () => {
    const caller = await open(post('Transfer-Encoding: gzip, chunked') + abc);
    await caller.until(/"status":400/);
    caller.socket.write(more.replaceAll('HOST', host()));
    await caller.closed();
    expect(statuses(caller.received())).toEqual([400]);
    expect(s.up.accepted).toBe(0);
  });

  it.each([
    ['its framing', 'Transfer-Encoding: gzip, chunked', '100000\r\n'],
    ['its version', 'Content-Length: 8388608', ''],
    ['its body', chunked, 'ZZ\r\n'],
  ])(
    'lets a caller that is still sending read why %s was refused (RFC 9112 §9.6)',
    async (what, field, start) => {
      const line = what === 'its version' ? 'POST /api/x HTTP/2.0' : 'POST /api/x HTTP/1.1';
      const caller = await open(`${line}\r\nHost: HOST\r\n${field}\r\n\r\n${start}`);
      caller.socket.write(Buffer.alloc(8 * 1024 * 1024, 'a'));
      await expect.poll(() => caller.ended()).toBe(true);
      expect(statuses(caller.received())).toEqual([what === 'its version' ? 505 : 400]);
      expect(() => JSON.parse(caller.received().split('\r\n\r\n')[1] ?? '')).not.toThrow();
      caller.socket.destroy();
    },
  );

  it('F14 drops Transfer_Encoding: the request has no body, and what follows is not one', async () => {
    const answer = await raw(post('Transfer_Encoding: chunked') + abc);
    expect(statuses(answer.text)).toEqual([200, 400]);
    expect(s.up.requests.map(({ body }) => body.length)).toEqual([0]);
    expect(s.up.bytes()).not.toMatch(/transfer/i);
  });

  it.each([
    ['F15 a line feed in a chunk extension', '3;\nxx\r\nabc\r\n0\r\n\r\n'],
    ['F16 a size of 0x3', '0x3\r\nabc\r\n0\r\n\r\n'],
    ['F17 line feeds alone', '3\nabc\n0\n\n'],
    ['F18 nothing behind the data', '3\r\nabc0\r\n\r\n'],
    ['F19 a size of more than 64 bits', '10000000000000003\r\nabc\r\n0\r\n\r\n'],
    ['F19 a size of no digits', 'ZZ\r\nabc\r\n0\r\n\r\n'],
    ['F19 a negative size', '-3\r\nabc\r\n0\r\n\r\n'],
    ['F19 a space before the size', ' 3\r\nabc\r\n0\r\n\r\n'],
  ])('%s is refused; the upstream request is aborted if it has begun', async (_id, bad) => {
    const atOnce = await raw(post(chunked) + bad + more);
    expect(statuses(atOnce.text)).toEqual([400]);
    const caller = await open(`${post(chunked)}5\r\nfirst\r\n`);
    await expect.poll(() => s.up.bytes()).toMatch(/5\r\nfirst/);
    caller.socket.write(bad + more);
    await caller.closed();
    expect(statuses(caller.received())).toEqual([400]);
    expect(JSON.parse(caller.received().split('\r\n\r\n')[1] ?? '').type).toBe(
      'urn:cupbearer:problem:malformed-request',
    );
    await expect.poll(() => s.up.connections.size).toBe(0);
    expect(s.up.requests).toEqual([]);
    expect(s.up.bytes()).not.toMatch(/\r\n0\r\n/);
    expect(logged().map(({ status, error }) => [status, error])).toEqual(
      Array(2).fill([400, 'malformed-request']),
    );
  });

  it('F19 cuts an answer that has begun when the body behind it cannot be read', async () => {
    s.answer = () => undefined;
    const caller = await open(`${post(chunked)}5\r\nfirst\r\n`);
    await expect.poll(() => s.up.bytes()).toMatch(/5\r\nfirst/);
    const [upstream] = s.up.connections;
    upstream?.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n');
    await caller.until(/2\r\nok\r\n$/);
    caller.socket.write('ZZ\r\n');
    await expect.poll(() => caller.socket.closed || caller.ended()).toBe(true);
    expect(caller.received()).toMatch(/2\r\nok\r\n$/);
    caller.socket.destroy();
    await expect.poll(() => s.up.connections.size).toBe(0);
  });

  it.each(
    ['DELETE', 'OPTIONS', 'GET', 'HEAD', 'POST', 'TRACE'].flatMap((method) => [
      [
        `F20 F21 F22 chunked ${method}`,
        method,
        `${chunked}\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
      ],
      [`F23 ${method} with Content-Length`, method, `Content-Length: ${hidden.length}\r\n\r\n${hidden}`],
    ]),
  )('%s passes a request in its body on as a body, or not at all', async (_id, method, rest) => {
    const last = 'GET /api/last HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n';
    const fields = `${method} /api/x HTTP/1.1\r\nHost: HOST\r\nConnection: keep-alive, upgrade\r\n${rest}`;
    const answer = await raw(fields + last);
    const isForwarded = method !== 'TRACE';
    expect(statuses(answer.text)).toEqual([isForwarded ? 200 : 405, 200]);
    expect(s.up.requests.map(({ method: m, target }) => `${m} ${target}`)).toEqual([
      ...(isForwarded ? [`${method} /v1/acme/x`] : []),
      'GET /v1/acme/last',
    ]);
    if (isForwarded) expect(['', hidden]).toContain(s.up.requests[0]?.body.toString());
  });

  it('F32 answers pipelined requests in order, each with its own credential, one after the other', async () => {
    s.answer = () => undefined;
    const caller = await open(
      ['/api/a', '/api2/b', '/api/c'].map((path) => `GET ${path} HTTP/1.1\r\nHost: HOST\r\n\r\n`).join(''),
    );
    await expect.poll(() => s.up.requests.length).toBe(1);
    expect(s.up2.requests).toHaveLength(0);
    s.answer = () => ok.replace('ok', 'cc');
    s.up.requests[0]?.socket.write(ok.replace('ok', 'aa'));
    await caller.until(/aa.*ok.*cc$/s);
    caller.socket.destroy();
    expect(statuses(caller.received())).toEqual([200, 200, 200]);
    expect(s.up.requests.map((request) => values(request, 'authorization'))).toEqual([
      ['Bearer SENT-T1'],
      ['Bearer SENT-T1'],
    ]);
    expect(s.up2.requests.map((request) => values(request, 'x-api-key'))).toEqual([['SENT-K1']]);
  });

  it('F32 lets a hundred requests wait on a connection and turns more away', async () => {
    s.answer = () => undefined;
    const caller = await open('GET /api/x HTTP/1.1\r\nHost: HOST\r\n\r\n'.repeat(111));
    await expect.poll(() => logged().filter(({ status }) => status === 503).length).toBe(10);
    s.answer = () => ok;
    s.up.requests[0]?.socket.write(ok);
    await expect.poll(() => statuses(caller.received()).length).toBe(111);
    expect(statuses(caller.received())).toEqual([...Array(101).fill(200), ...Array(10).fill(503)]);
    caller.socket.write('GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50));
    await expect.poll(() => statuses(caller.received()).length).toBe(161);
    caller.socket.destroy();
    expect(statuses(caller.received()).slice(111)).toEqual(Array(50).fill(200));
  });

  it('F32 asks no upstream for what waits behind an answer that ends the connection', async () => {
    const answer = await raw(`GET /api/a HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n${more}`);
    expect(statuses(answer.text)).toEqual([200]);
    expect(s.up.requests.map(({ target }) => target)).toEqual(['/v1/acme/a']);
  });

  it.each([
    ['F34 bytes that follow a body', `${post('Content-Length: 3')}abcGARBAGE\r\n\r\n`, [200, 400]],
    ['F34 the same behind two', `${more}${post('Content-Length: 3')}abc\x01`, [200, 200, 400]],
    ['F34 a bad body behind a request', `${more}${post(chunked)}ZZ\r\n`, [200, 400]],
    [
      'F34 a bad body behind a refused head',
      `GET /none HTTP/1.1\r\nHost: HOST\r\n${chunked}\r\n\r\nZZ\r\n`,
      [404],
    ],
  ])('%s: first what was asked, then 400 and the end', async (_id, bytes, expected) => {
    const caller = await open(bytes);
    await caller.closed();
    expect(statuses(caller.received())).toEqual(expected);
    expect(caller.received()).toMatch(/^connection: close\r$(?!.*^HTTP)/ims);
    expect(logged().map(({ status }) => status)).toEqual(expected);
  });

  it('F34 waits for a slow answer before it says what was wrong behind it', async () => {
    s.answer = () => undefined;
    const caller = await open(`${post('Content-Length: 3')}abcGARBAGE\r\n\r\n`);
    await expect.poll(() => s.up.requests.length).toBe(1);
    const warnings: Error[] = [];
    const warned = (warning: Error) => void warnings.push(warning);
    process.on('warning', warned);
    for (let i = 0; i < 30; i++) {
      caller.socket.write('MORE GARBAGE\r\n\r\n');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(caller.received()).toBe('');
    process.off('warning', warned);
    expect(warnings).toEqual([]);
    s.up.requests[0]?.socket.write(ok);
    await caller.closed();
    expect(statuses(caller.received())).toEqual([200, 400]);
  });

  it('F35 forwards no chunk extension', async () => {
    const answer = await raw(`${post(chunked, 'Connection: close')}3;a=b;c="d"\r\nabc\r\n0;e\r\n\r\n`);
    expect(answer.status).toBe(200);
    expect(s.up.requests[0]?.body.toString()).toBe('abc');
    expect(s.up.bytes()).not.toMatch(/a=b|;e/);
  });

  it.each([
    ['Authorization: evil', 200],
    ['Host: evil.test', 200],
    ['X-Api-Key: evil', 200],
    ['Content-Length: 5', 400],
    ['Transfer-Encoding: chunked', 400],
  ])('F36 the trailer "%s" never reaches the upstream', async (trailer, status) => {
    const answer = await raw(
      `${post(chunked, 'Connection: close', 'Trailer: Authorization')}3\r\nabc\r\n0\r\n${trailer}\r\n\r\n`,
    );
    expect(statuses(answer.text)).toEqual([status]);
    expect(s.up.bytes()).not.toMatch(/evil|trailer:/i);
    if (status === 200) {
      expect(s.up.bytes()).toMatch(/\r\n3\r\nabc\r\n0\r\n\r\n$/);
      expect(values(s.up.requests[0]!, 'authorization')).toEqual(['Bearer SENT-T1']);
      expect(values(s.up.requests[0]!, 'host')).toEqual([`127.0.0.1:${s.up.port}`]);
    }
  });

  it.each<[string, number, (host: string) => Attempt[]]>([
    ['every spelling of Content-Length with every one of Transfer-Encoding', 400, pairs],
    ['every byte within Transfer-Encoding beside a Content-Length', 1_700, strayBytes],
    ['every byte within a second Content-Length', 1_200, strayLengths],
  ])(
    'F37 %s smuggles nothing',
    async (_id, atLeast, generate) => {
      const attempts = generate(host());
      expect(attempts.length).toBeGreaterThan(atLeast);
      const succeeded = new Map<number, number>();
      let next = 0;
      const work = async () => {
        for (let i = next++; i < attempts.length; i = next++) {
          const answer = await rawRequest(s.proxy.port, attempts[i]!.bytes, 2_000);
          succeeded.set(i, statuses(answer.text).filter((status) => status < 300).length);
        }
      };
      await Promise.all(Array.from({ length: 16 }, work));
      const targets = s.up.requests.map(({ target }) => target);
      expect(targets.filter((target) => target.includes('secret'))).toEqual([]);
      const seen = new Map<number, number>();
      for (const target of targets) {
        const index = Number(target.split('-')[1]);
        seen.set(index, (seen.get(index) ?? 0) + 1);
      }
      const wrong = attempts
        .filter((_attempt, i) => succeeded.get(i) !== (seen.get(i) ?? 0))
        .map(({ name }) => name);
      expect(wrong).toEqual([]);
    },
    60_000,
  );
});

describe('U6: CONNECT', () => {
  const s = useSetting({ route: ', upgrade: true' });
  const connect = 'CONNECT evil.test:443 HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const get = (...fields: string[]) =>
    `GET /api/x HTTP/1.1\r\n${['Host: localhost', ...fields].join('\r\n')}\r\n\r\n`;

  it('U6 is refused with a problem and a line in the log, and poisons no connection', async () => {
    const answer = await rawRequest(s.proxy.port, connect + get());
    expect(statuses(answer.text)).toEqual([405]);
    expect(values(answer, 'allow')[0]).toContain('GET');
    expect(JSON.parse(answer.body).type).toBe('urn:cupbearer:problem:method-not-allowed');
    expect(s.proxy.log()).toMatch(/"method":"CONNECT","status":405/);
    expect(s.up.accepted).toBe(0);
    expect((await s.send('GET /api/x')).status).toBe(200);
  });

  it('U6 ends the connection when it comes behind a request that is not answered', async () => {
    s.answer = () => undefined;
    const caller = await duplex(s.proxy.port);
    caller.socket.write(get() + connect);
    await caller.closed();
    expect(caller.received()).toBe('');
  });

  it('U6 an Upgrade behind a request that is not answered is read as a plain request', async () => {
    const upgrade = get(
      'Connection: close, Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    );
    const answer = await rawRequest(s.proxy.port, get() + upgrade);
    expect(statuses(answer.text)).toEqual([200, 200]);
    expect(s.up.bytes()).not.toMatch(/^upgrade:/im);
  });
});

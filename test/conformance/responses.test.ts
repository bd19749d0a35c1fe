import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ok, values } from '../support/raw.ts';
import { receive } from '../support/raw-caller.ts';
import { expectNoSecret, useSetting } from './setting.ts';

const cut = { FIN: (socket: Socket) => void socket.end(), RST: (socket: Socket) => socket.resetAndDestroy() };
type Cut = keyof typeof cut;
const get = 'GET /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const problemOf = (body: string) => JSON.parse(body).type.replace('urn:cupbearer:problem:', '');

describe('R: an answer that breaks off', () => {
  const s = useSetting();
  /** The upstream sends `bytes`; once the caller has read `abc` the connection ends so. */
  const broken = async (bytes: string, how: Cut | undefined, version = '1.1') => {
    let upstream: Socket | undefined;
    s.answer = ({ socket }) => {
      upstream = socket;
      return bytes;
    };
    return receive(
      s.proxy.port,
      `GET /api/x HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      {
        seen: 'abc',
        onSeen: () => how && cut[how](upstream as Socket),
      },
    );
  };
  const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  const truncated: [string, string, Cut | undefined][] = [
    ['R6 a Content-Length not reached, FIN', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'FIN'],
    ['R6 a Content-Length not reached, RST', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'RST'],
    [
      'R6 a long Content-Length not reached, RST',
      'HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nabc',
      'RST',
    ],
    ['R7 chunks without the last, FIN', `${chunkedHead}3\r\nabc\r\n`, 'FIN'],
    ['R7 chunks without the last, RST', `${chunkedHead}3\r\nabc\r\n`, 'RST'],
    ['R7 half a chunk, FIN', `${chunkedHead}9\r\nabc`, 'FIN'],
    ['R8 chunks, then no chunk', `${chunkedHead}3\r\nabc\r\nZZ\r\n`, undefined],
    ['R9 a body without a length, RST', 'HTTP/1.1 200 OK\r\n\r\nabc', 'RST'],
    ['R9 a body ended by Connection: close, RST', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc', 'RST'],
    ['R9 an HTTP/1.0 body, RST', 'HTTP/1.0 200 OK\r\n\r\nabc', 'RST'],
    [
      'R9 chunks and Connection: close, RST',
      chunkedHead.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n3\r\nabc\r\n'),
      'RST',
    ],
  ];

  it.each(truncated)('%s: is an aborted answer', async (_what, bytes, how) => {
    const received = await broken(bytes, how);
    expect(received.text).toContain('abc');
    expect(received).toMatchObject({ status: 200, isWhole: false });
    expect(received.ending).not.toBe('timeout');
    expect(s.up.requests).toHaveLength(1);
    await expect.poll(s.proxy.log).toContain('"aborted":"upstream"');
  });

  it.each(truncated)('%s: is a reset for an HTTP/1.0 caller', async (_what, bytes, how) => {
    const received = await broken(bytes, how, '1.0');
    expect(received).toMatchObject({ status: 200, isWhole: false, ending: 'reset' });
  });

  it('R9 is never complete when the reset comes right behind the body', async () => {
    s.answer = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc', () => socket.resetAndDestroy());
      return undefined;
    };
    for (let i = 0; i < 50; i++) {
      const received = await receive(s.proxy.port, get);
      expect(received.status === 502 || !received.isWhole, received.text).toBe(true);
    }
  });

  it.each([
    ['a body without a length', 'HTTP/1.1 200 OK\r\n\r\nabc'],
    ['a body ended by Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc'],
    ['an HTTP/1.0 body', 'HTTP/1.0 200 OK\r\n\r\nabc'],
  ])('R10 %s that ends with FIN is complete', async (_what, bytes) => {
    expect(await broken(bytes, 'FIN')).toMatchObject({ status: 200, isWhole: true, ending: 'fin' });
    expect(await broken(bytes, 'FIN', '1.0')).toMatchObject({ status: 200, isWhole: true, ending: 'fin' });
  });

  it('R10 an event stream without a length passes each event before its end', async () => {
    let upstream: Socket | undefined;
    s.answer = ({ socket }) => {
      upstream = socket;
      return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';
    };
    const received = await receive(s.proxy.port, get, {
      seen: 'text/event-stream',
      onSeen: () => void upstream?.end('data: 1\n\n'),
    });
    expect(received).toMatchObject({ isWhole: true });
    expect(received.text).toContain('data: 1');
  });

  it('A9 an answer that breaks off after it began is never asked for again', async () => {
    await s.warm();
    expect(await broken('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'RST')).toMatchObject({
      isWhole: false,
    });
    expect(s.up.requests).toHaveLength(1);
    expect(s.tokens.calls).toBe(1);
  });

  it('R12 an upstream that breaks while 20 callers upload 6 MiB each frees everything', async () => {
    const length = 6 * 1024 * 1024;
    const breaker = setInterval(() => {
      for (const socket of s.up.connections)
        if (socket.bytesRead > 100_000) cut[socket.bytesRead % 2 === 0 ? 'FIN' : 'RST'](socket.pause());
    }, 2);
    const head = `POST /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
    const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(length)]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => receive(s.proxy.port, bytes, { ms: 10_000 })),
    );
    clearInterval(breaker);
    for (const socket of s.up.connections) socket.destroy();
    // A caller that is still writing when the connection ends may lose the answer to a reset (RFC 9112 §9.6).
    for (const { status, ending } of answers) expect([502, 0], ending).toContain(status);
    expect(answers.map((one) => one.ending)).not.toContain('timeout');
    expect(s.up.requests).toEqual([]);
  });
});

describe('R: no answer in time', () => {
  const s = useSetting({ route: ', timeout: { connect: 500ms, response: 700ms, idle: 700ms }' });

  it('R3 a head that never comes is 504', async () => {
    s.answer = () => undefined;
    const response = await s.send('GET /api/x');
    expect([response.status, problemOf(response.body)]).toEqual([504, 'upstream-timeout']);
    await expect.poll(() => s.up.connections.size).toBe(0);
  });

  it('R3 half a head is 504', async () => {
    s.answer = () => 'HTTP/1.1 200 OK\r\nX-Half';
    const response = await s.send('GET /api/x');
    expect(response.status).toBe(504);
    expect(response.text).not.toContain('X-Half');
  });

  it('R4 a body that stalls is an aborted answer', async () => {
    s.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc';
    const received = await receive(s.proxy.port, get);
    expect(received).toMatchObject({ status: 200, isWhole: false });
    expect(received.ending).not.toBe('timeout');
  });

  it('R16 interim answers without end do not put off the limit', async () => {
    const timers: NodeJS.Timeout[] = [];
    s.answer = ({ socket }) => {
      timers.push(setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 50));
      return undefined;
    };
    const started = performance.now();
    const response = await s.send('GET /api/x');
    for (const timer of timers) clearInterval(timer);
    expect([response.status, problemOf(response.body)]).toEqual([504, 'upstream-timeout']);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

describe('R: heads', () => {
  const s = useSetting();
  const raw = 'RAW-BYTES';

  it('R5 a connection that closes before any byte is 502, and is no reason to ask again', async () => {
    s.answer = ({ socket }) => {
      socket.end();
      return undefined;
    };
    const response = await s.send('GET /api/x');
    expect([response.status, problemOf(response.body)]).toEqual([502, 'upstream-closed']);
    expect(s.up.requests).toHaveLength(1);
  });

  it.each([
    ['garbage', `${raw} \x00\x01\x02\r\n\r\n`],
    ['a short status', `HTTP/1.1 20\r\nX: ${raw}\r\n\r\n`],
    ['status 099', `HTTP/1.1 099 ${raw}\r\nContent-Length: 0\r\n\r\n`],
    ['status 000', `HTTP/1.1 000 ${raw}\r\nContent-Length: 0\r\n\r\n`],
    ['status 600', `HTTP/1.1 600 ${raw}\r\nContent-Length: 0\r\n\r\n`],
    ['status 999', `HTTP/1.1 999 ${raw}\r\nContent-Length: 0\r\n\r\n`],
    ['HTTP/3.0', `HTTP/3.0 200 ${raw}\r\nContent-Length: 0\r\n\r\n`],
    ['another protocol', `SSH-2.0-${raw}\r\n\r\n`],
    ['LF alone', `HTTP/1.1 200 OK\nX: ${raw}\nContent-Length: 0\n\n`],
    ['obs-fold', `HTTP/1.1 200 OK\r\nX: ${raw}\r\n folded\r\nContent-Length: 0\r\n\r\n`],
    ['NUL in a value', `HTTP/1.1 200 OK\r\nX: ${raw}\x00\r\nContent-Length: 0\r\n\r\n`],
    ['a bare CR', `HTTP/1.1 200 OK\r\nX: ${raw}\rY: 1\r\nContent-Length: 0\r\n\r\n`],
    ['a space in a name', `HTTP/1.1 200 OK\r\nX A: ${raw}\r\nContent-Length: 0\r\n\r\n`],
    ['a space before the colon', `HTTP/1.1 200 OK\r\nX : ${raw}\r\nContent-Length: 0\r\n\r\n`],
    ['an empty name', `HTTP/1.1 200 OK\r\n: ${raw}\r\nContent-Length: 0\r\n\r\n`],
    ['a field of 20 KiB', `HTTP/1.1 200 OK\r\nX: ${raw.repeat(2300)}\r\nContent-Length: 0\r\n\r\n`],
    ['2,500 fields', `HTTP/1.1 200 OK\r\n${`X: ${raw}\r\n`.repeat(2500)}Content-Length: 0\r\n\r\n`],
    [
      'Content-Length and Transfer-Encoding',
      `HTTP/1.1 200 ${raw}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two Content-Length', `HTTP/1.1 200 ${raw}\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`],
    ['Content-Length +3', `HTTP/1.1 200 ${raw}\r\nContent-Length: +3\r\n\r\nabc`],
    ['Content-Length -1', `HTTP/1.1 200 ${raw}\r\nContent-Length: -1\r\n\r\nabc`],
    ['an unsolicited 101', `HTTP/1.1 101 ${raw}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`],
    ['an unsolicited 100 (undici gives up there)', `HTTP/1.1 100 ${raw}\r\n\r\n${ok}`],
  ])('R11 R14 %s is 502, shows nothing of it and spoils nothing', async (_what, bytes) => {
    s.answer = (_request, count) => (count === 1 ? bytes : ok);
    const response = await s.send('GET /api/x');
    expect([response.status, problemOf(response.body)]).toEqual([502, 'upstream-protocol']);
    expect(response.text).not.toContain(raw);
    expectNoSecret(response);
    for (let i = 0; i < 3; i++) expect((await s.send('GET /api/x')).body).toBe('ok');
    expect(s.up.requests).toHaveLength(4);
    await expect.poll(s.proxy.log).toContain('"error":"upstream-protocol"');
  });

  it('R11 a status line of HTTP/2.0 is read as HTTP/1.1, which is all that the connection speaks', async () => {
    s.answer = () => 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok';
    const response = await s.send('GET /api/x');
    expect(response.head).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([100, 102, 103, 199])(
    'R14 R15 %i again and again before the answer spoils nothing',
    async (status) => {
      s.answer = () => `HTTP/1.1 ${status} Interim\r\nX-Interim: 1\r\n\r\n`.repeat(1_000) + ok;
      const responses = await Promise.all(Array.from({ length: 5 }, () => s.send('GET /api/x')));
      for (const response of responses) {
        expect(response.status).toBe(status === 100 ? 502 : 200);
        expect(response.text).not.toContain('X-Interim');
      }
    },
  );

  it('R15 R16 interim answers are dropped: the caller gets the final one alone', async () => {
    s.answer = () =>
      `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${'HTTP/1.1 102 P\r\n\r\n'.repeat(1_000)}${ok}`;
    const received = await receive(s.proxy.port, get);
    expect(received).toMatchObject({ status: 200, isWhole: true });
    expect(received.text).not.toMatch(/HTTP\/1\.1 10|Link/);
  });

  it('R34 407 is 502: its question is for a proxy, and there is none to answer it', async () => {
    s.answer = () => 'HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n';
    const response = await s.send('GET /api/x');
    expect([response.status, values(response, 'proxy-authenticate')]).toEqual([502, []]);
  });

  it.each([400, 403, 404, 421, 425, 426, 431, 451, 500, 503, 599])('R35 %i passes', async (status) => {
    s.answer = () => `HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nno`;
    const response = await s.send('GET /api/x');
    expect([response.status, response.body]).toEqual([status, 'no']);
    expect(s.up.requests).toHaveLength(1);
  });

  it('R36 bytes beyond ASCII in a field arrive as they are', async () => {
    s.answer = () =>
      Buffer.from(
        'HTTP/1.1 200 OK\r\nX-Name: \xe9\xa0\xff\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
        'latin1',
      );
    expect(values(await s.send('GET /api/x'), 'x-name')).toEqual(['\xe9\xa0\xff']);
  });
});

describe('R: transfer codings', () => {
  const s = useSetting();

  it.each([
    ['gzip'],
    ['identity'],
    ['xchunked'],
    ['gzip, chunked'],
    ['chunked, gzip'],
    ['chunked, chunked'],
    ['chunked\r\nTransfer-Encoding: chunked'],
  ])('R11 %j, which nobody takes off, is 502', async (coding) => {
    s.answer = () =>
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
    const response = await s.send('GET /api/x');
    expect([response.status, problemOf(response.body)]).toEqual([502, 'upstream-protocol']);
    expect(s.up.requests).toHaveLength(1);
  });

  it('R11 Chunked in any case is taken off', async () => {
    s.answer = () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
    const response = await s.send('GET /api/x');
    expect(response.status).toBe(200);
    expect(response.body).toContain('abc');
  });
});

describe('R: bodies', () => {
  const s = useSetting();

  it('R21 what follows a Content-Length is dropped with its connection', async () => {
    s.answer = (_request, count) => (count === 1 ? 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef' : ok);
    expect((await s.send('GET /api/x')).body).toBe('abc');
    expect((await s.send('GET /api/x')).body).toBe('ok');
    expect(s.up.accepted).toBe(2);
  });

  it('R22 no Content-Type is added', async () => {
    expect(values(await s.send('GET /api/x'), 'content-type')).toEqual([]);
  });

  it.each([
    ['R23', Buffer.from('H4sIAAAAAAAAA0tMSgYAwkEkNQMAAAA=', 'base64')],
    ['R24', Buffer.from('not gzip at all')],
  ])('%s an encoded body passes byte for byte', async (_id, body) => {
    s.answer = () =>
      Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`),
        body,
      ]);
    const response = await s.send('GET /api/x');
    expect(values(response, 'content-encoding')).toEqual(['gzip']);
    expect(Buffer.from(response.body, 'latin1')).toEqual(body);
  });

  it('R25 repeated fields keep their number, order and case', async () => {
    const fields = ['wWw-Authenticate: Basic a', 'X-B: 1', 'WWW-Authenticate: Digest b="c, d"', 'x-b: 2'];
    s.answer = () => `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
    const { head } = await s.send('GET /api/x');
    expect(head.split('\r\n').filter((line) => /^(?:www|x-b)/i.test(line))).toEqual(fields);
  });

  it('R27 a head passes before its body, and each event within 100 ms', async () => {
    let upstream: Socket | undefined;
    let sentAt = 0;
    s.answer = ({ socket }) => {
      upstream = socket;
      return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
    };
    await receive(s.proxy.port, get, {
      seen: '\r\n\r\n',
      onSeen() {
        sentAt = performance.now();
        upstream?.write('9\r\ndata: 1\n\n\r\n0\r\n\r\n');
      },
    });
    expect(performance.now() - sentAt).toBeLessThan(100);
  });

  it('R30 a caller that half-closes after its request gets no answer: Node takes it for gone', async () => {
    s.answer = ({ socket }) => {
      setTimeout(() => socket.write(ok), 100);
      return undefined;
    };
    const received = await receive(s.proxy.port, get, { half: true });
    expect(received).toMatchObject({ text: '' });
    expect(received.ending).not.toBe('timeout');
    await expect.poll(s.proxy.log).toContain('"aborted":"caller"');
  });

  it.each([
    ['announced', 'Trailer: X-Sum\r\n'],
    ['not announced', ''],
  ])('R31 a trailer, %s, passes as a trailer and never as a field', async (_what, announced) => {
    s.answer = () =>
      `HTTP/1.1 200 OK\r\n${announced}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nAuthorization: evil\r\nHost: evil\r\n\r\n`;
    const response = await s.send('GET /api/x');
    expect(response.head).not.toMatch(/X-Sum: 1|evil/);
    expect(response.body).toMatch(/^2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it('R31 a trailer Content-Length breaks the answer off: undici takes it for framing', async () => {
    s.answer = () =>
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n';
    expect(await receive(s.proxy.port, get)).toMatchObject({ status: 200, isWhole: false });
  });

  it.each([
    [204, 'Content-Length: 5\r\n\r\nhello'],
    [204, 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    [304, 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    [205, 'Content-Length: 5\r\n\r\nhello'],
    [205, 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    [205, '\r\nhello'],
  ])('R22 %i has no body, whatever follows %j (RFC 9110 §15.3.5, §15.3.6, §15.4.5)', async (status, rest) => {
    s.answer = (_request, count) => (count === 1 ? `HTTP/1.1 ${status} X\r\n${rest}` : ok);
    const response = await receive(s.proxy.port, get);
    expect(response.status).toBe(status);
    expect(response.ending).toBe('fin');
    expect(response.text).not.toMatch(/hello|content-length: 5/i);
    expect((await s.send('GET /api/x')).body).toBe('ok');
  });

  it('R22 a 205 with a body without end is answered, and its connection ended', async () => {
    s.answer = () => 'HTTP/1.1 205 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n';
    const response = await s.send('GET /api/x');
    expect([response.status, response.text.includes('hello')]).toEqual([205, false]);
    await expect.poll(() => s.up.connections.size, { timeout: 3_000 }).toBe(0);
  });
});

import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type Duplex, duplex, watchSocket } from '../support/duplex.ts';
import { ok, type RawRequest, values } from '../support/raw.ts';
import { expectNoSecret, useSetting } from './setting.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const acceptOf = (request: RawRequest) =>
  createHash('sha1')
    .update(`${values(request, 'sec-websocket-key')[0]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
const switching = (request: RawRequest, ...fields: string[]) =>
  `${['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${acceptOf(request)}`, ...fields].join('\r\n')}\r\n\r\n`;
const handshake = (fields: readonly string[] = [], line = 'GET /api/ws HTTP/1.1') =>
  `${[line, 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13', ...fields].join('\r\n')}\r\n\r\n`;
const refused = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nrefused';

/** Resolves when a figure has not changed for 300 ms. */
async function standstill(figure: () => number): Promise<void> {
  for (let last = -1; last !== figure(); ) {
    last = figure();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

describe('U: Upgrade and WebSocket', () => {
  const s = useSetting({
    route: ', upgrade: true, timeout: { idle: 60s, response: 2s }',
    server: 'max_tunnels: 2',
  });
  const open: Duplex[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.socket.destroy();
  });
  const call = async (bytes: string | Buffer) => {
    const caller = await duplex(s.proxy.port);
    open.push(caller);
    caller.socket.write(bytes);
    return caller;
  };
  /** A tunnel and both of its ends. */
  const tunnel = async (early = '') => {
    let upstream: Duplex | undefined;
    s.answer = (request) => {
      // What the raw upstream reads from here on is no HTTP.
      request.socket.removeAllListeners('data');
      request.socket.allowHalfOpen = true;
      upstream = watchSocket(request.socket);
      open.push(upstream);
      return switching(request);
    };
    const caller = await call(handshake() + early);
    await caller.until(/\r\n\r\n/);
    return { caller, upstream: upstream as unknown as Duplex };
  };

  it('U1 reads an Upgrade on a route that lets none through as a plain request', async () => {
    const caller = await call(handshake(['Connection: close'], 'GET /api2/x HTTP/1.1'));
    await caller.until(/^HTTP\/1\.1 200 .*ok$/s);
    expect(s.up2.requests[0]!.fields.map(([name]) => name.toLowerCase())).not.toContain('upgrade');
  });

  it('U2 passes the handshake with exactly one credential and its answer, byte for byte', async () => {
    s.answer = (request) =>
      Buffer.from(
        switching(request, 'Sec-WebSocket-Protocol: chat', 'Set-Cookie: a=b', 'X-One: \xe9'),
        'latin1',
      );
    const caller = await call(
      handshake(['Sec-WebSocket-Protocol: chat', 'Authorization: Bearer mine', 'Cookie: a=b', 'X-Two: 2']),
    );
    await caller.until(/\r\n\r\n/);
    expect(caller.received()).toBe(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\nX-One: \xe9\r\nCross-Origin-Resource-Policy: same-origin\r\nX-Content-Type-Options: nosniff\r\n\r\n`,
    );
    const [via, id, trace] = ['via', 'x-request-id', 'traceparent'].map(
      (name) => values(s.up.requests[0]!, name)[0],
    );
    expect(s.up.bytes()).toBe(
      `GET /v1/acme/ws HTTP/1.1\r\nhost: 127.0.0.1:${s.up.port}\r\nconnection: upgrade\r\nupgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\nX-Two: 2\r\nvia: ${via}\r\nx-request-id: ${id}\r\ntraceparent: ${trace}\r\nAuthorization: Bearer SENT-T1\r\n\r\n`,
    );
  });

  it('U2 joins both directions and loses no byte that came with the heads', async () => {
    const { caller, upstream } = await tunnel('early');
    await upstream.until(/^early$/);
    upstream.socket.write('\x00\xff from upstream');
    caller.socket.write(' from caller');
    await upstream.until(/^early from caller$/);
    await caller.until(/\r\n\r\n.* from upstream$/s);
    expect(await s.proxy.usage()).toMatchObject({ tunnels: 1, exchanges: 0 });
  });

  it('U2 loses no byte that the upstream sends right behind its 101', async () => {
    s.answer = (request) => `${switching(request)}first frame`;
    const caller = await call(handshake());
    await caller.until(/\r\n\r\nfirst frame$/);
  });

  it('U9 keeps what the caller sends before the 101', async () => {
    let answer = () => {};
    s.answer = (request) => {
      request.socket.removeAllListeners('data');
      open.push(watchSocket(request.socket));
      answer = () => void request.socket.write(switching(request));
      return undefined;
    };
    const caller = await call(handshake());
    await expect.poll(() => s.up.requests.length).toBe(1);
    caller.socket.write('too');
    caller.socket.write(' soon');
    await new Promise((resolve) => setTimeout(resolve, 50));
    answer();
    await caller.until(/\r\n\r\n/);
    caller.socket.write(', and later');
    await open[1]!.until(/^too soon, and later$/);
  });

  it.each<[string, (request: RawRequest) => string]>([
    ['another protocol', (r) => switching(r).replace('Upgrade: websocket', 'Upgrade: h2c')],
    ['two protocols', (r) => switching(r, 'Upgrade: h2c')],
    ['no protocol', (r) => switching(r).replace('Upgrade: websocket\r\n', '')],
    ['a wrong proof', (r) => switching(r).replace(/Accept: ./, 'Accept: _')],
    ['no proof', (r) => switching(r).replace(/Sec-WebSocket-Accept.*\r\n/, '')],
    ['two proofs', (r) => switching(r, 'Sec-WebSocket-Accept: x')],
  ])('U3 answers 502 when the upstream switches to %s', async (_what, answer) => {
    s.answer = answer;
    const caller = await call(handshake());
    await caller.until(/^HTTP\/1\.1 502 .*upstream-(?:protocol|closed)/s);
    await caller.closed();
    expect(s.up.requests).toHaveLength(1);
    await expect.poll(() => s.up.connections.size).toBe(0);
  });

  it('U3 answers 502 when the upstream switches unasked', async () => {
    s.answer = (request) => switching(request);
    const response = await s.send('GET /api/x');
    expect(response.status).toBe(502);
    expectNoSecret(response);
  });

  it.each([
    'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: y\r\n\r\nno',
    'HTTP/1.1 426 Upgrade Required\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno',
  ])('U3 passes %j on and ends the connection', async (answer) => {
    s.answer = () => answer;
    const caller = await call(handshake());
    await caller.closed();
    expect(caller.received()).toContain(answer.slice(9, 20));
    expect(caller.received()).toMatch(/\r\n\r\n(?:2\r\n)?no/);
    expect(s.up.requests).toHaveLength(1);
  });

  it('U3 passes the whole of a large refusal on, however slowly it is read', async () => {
    const body = 'x'.repeat(500_000);
    s.answer = () => `HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const caller = await call(`${handshake()}early bytes`);
    caller.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    caller.socket.resume();
    await caller.closed();
    expect(caller.received().split('\r\n\r\n')[1]).toHaveLength(body.length);
  });

  it('U3 recovers once from a refused token before the 101', async () => {
    await s.warm();
    s.answer = (request) =>
      values(request, 'authorization')[0] === 'Bearer SENT-T1' ? refused : switching(request);
    const caller = await call(handshake());
    await caller.until(/^HTTP\/1\.1 101 /);
    expect(s.up.requests.map((r) => values(r, 'authorization'))).toEqual([
      ['Bearer SENT-T1'],
      ['Bearer SENT-T2'],
    ]);
    caller.socket.destroy();
    await expect.poll(() => s.proxy.log()).toMatch(/"status":101.*"retry":"recovered".*"tunnel":"caller"/);
  });

  it('U3 passes the second refusal on', async () => {
    await s.warm();
    s.answer = () => refused;
    const caller = await call(handshake());
    await caller.closed();
    expect(caller.received()).toMatch(/^HTTP\/1\.1 401 .*refused$/s);
    expect(s.up.requests).toHaveLength(2);
  });

  it.each([
    ['/api/../x', 400],
    ['/api/%2e%2e/x', 400],
    ['//api/ws', 404],
    ['/api//evil.test/', 400],
    ['/%61pi/ws', 404],
    ['http://evil.test/api/ws', 421],
  ])('U4 holds the path %s to the same rules', async (target, status) => {
    const caller = await call(handshake(['Connection: close'], `GET ${target} HTTP/1.1`));
    await caller.closed();
    expect(caller.received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(s.up.accepted + s.tokens.calls).toBe(0);
  });

  it.each([
    ['a foreign Host', (h: string) => h.replace('localhost', 'evil.test'), 421],
    ['two Host fields', (h: string) => h.replace('Host', 'Host: localhost\r\nHost'), 400],
    ['an Origin', (h: string) => h.replace('Host', 'Origin: http://evil.test\r\nHost'), 403],
    ['a page', (h: string) => h.replace('Host', 'Sec-Fetch-Site: same-site\r\nHost'), 403],
    ['no key', (h: string) => h.replace(/Sec-WebSocket-Key.*\r\n/, ''), 400],
    ['two keys', (h: string) => h.replace('Host', `Sec-WebSocket-Key: ${key}\r\nHost`), 400],
    ['a short key', (h: string) => h.replace(key, 'AAAA'), 400],
    ['a body', (h: string) => `${h.replace('Host', 'Content-Length: 3\r\nHost')}abc`, 400],
    ['a loop', (h: string) => h.replace('Host', `Via: ${values(s.up.requests[0]!, 'via')[0]}\r\nHost`), 508],
  ])('U4 refuses a handshake with %s', async (_what, change, status) => {
    if (status === 508) await s.send('GET /api/x');
    const before = s.up.requests.length;
    const caller = await call(change(handshake()));
    await caller.closed();
    expect(caller.received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*application/problem\\+json`, 's'));
    expect(s.up.requests).toHaveLength(before);
  });

  it.each([
    ['h2c', 'h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__'],
    ['two protocols', 'websocket, h2c'],
    ['two fields', 'websocket\r\nUpgrade: websocket'],
    ['TLS', 'TLS/1.2'],
  ])('U5 reads an Upgrade to %s as a plain request', async (_what, upgrade) => {
    const caller = await call(
      handshake(['Connection: close']).replace('Upgrade: websocket', `Upgrade: ${upgrade}`),
    );
    await caller.until(/^HTTP\/1\.1 200 .*ok$/s);
    expect(s.up.requests[0]!.fields.map(([name]) => name.toLowerCase())).not.toContain('upgrade');
  });

  it('U5 reads an Upgrade of HTTP/1.0 as a plain request', async () => {
    const caller = await call(handshake([], 'GET /api/ws HTTP/1.0'));
    await caller.until(/^HTTP\/1\.1 200 .*ok$/s);
  });

  it.each(['\x7f', 'a'.repeat(1_000_000)])(
    'U5 refuses the Upgrade value %.9j and does not hang',
    async (value) => {
      const caller = await call(handshake().replace('Upgrade: websocket', `Upgrade: ${value}`));
      await caller.closed();
      expect(caller.received()).toMatch(/^HTTP\/1\.1 4(?:00|31) /);
      expect(s.up.accepted).toBe(0);
    },
  );

  it.each(['caller', 'upstream'] as const)(
    'U8 holds a fast sender back while the %s does not read',
    async (slow) => {
      const both = await tunnel();
      const fast = slow === 'caller' ? both.upstream : both.caller;
      both[slow].socket.pause();
      const piece = Buffer.alloc(64 * 1024, 'x');
      const total = 64 * 1024 * 1024;
      let written = 0;
      const push = () => {
        while (written < total && fast.socket.writableLength < piece.length) {
          fast.socket.write(piece);
          written += piece.length;
        }
      };
      fast.socket.on('drain', push);
      push();
      await standstill(() => written);
      expect(written).toBeLessThan(24 * 1024 * 1024);
      both[slow].socket.resume();
      await expect.poll(() => written, { timeout: 10_000 }).toBe(total);
      await expect
        .poll(() => both[slow].received().split('\r\n\r\n').at(-1)?.length, { timeout: 10_000 })
        .toBe(total);
    },
  );

  it.each(['caller', 'upstream'] as const)(
    'passes the end of one direction on when the %s ends its own',
    async (first) => {
      const both = await tunnel();
      const second = first === 'caller' ? 'upstream' : 'caller';
      both[first].socket.end('last words');
      await both[second].until(/last words$/);
      await expect.poll(() => both[second].ended()).toBe(true);
      both[second].socket.write('still heard');
      await both[first].until(/still heard$/);
      both[second].socket.end();
      await Promise.all([both.caller.closed(), both.upstream.closed()]);
      await expect.poll(() => s.proxy.log()).toContain(`"tunnel":"${first}"`);
    },
  );

  it.each(['caller', 'upstream'] as const)(
    'ends the tunnel when the connection of the %s breaks',
    async (first) => {
      const both = await tunnel();
      const second = first === 'caller' ? 'upstream' : 'caller';
      both[first].socket.resetAndDestroy();
      await both[second].closed();
      await expect.poll(() => s.proxy.usage()).toMatchObject({ tunnels: 0 });
    },
  );

  it('ends a tunnel that has been idle for timeout.idle', async () => {
    const { caller, upstream } = await tunnel();
    await new Promise((resolve) => setTimeout(resolve, 600));
    caller.socket.write('x');
    await upstream.until(/x/);
    s.clock.advance(59_000);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(caller.ended()).toBe(false);
    s.clock.advance(61_000);
    await Promise.all([caller.closed(), upstream.closed()]);
    await expect.poll(() => s.proxy.log()).toContain('"tunnel":"idle"');
  });

  it('answers 503 at once beyond server.max_tunnels and lets new ones in when one has ended', async () => {
    const first = await tunnel();
    await tunnel();
    const third = await call(handshake());
    await third.closed();
    expect(third.received()).toMatch(/^HTTP\/1\.1 503 .*Retry-After: 1.*server\.max_tunnels/is);
    first.caller.socket.resetAndDestroy();
    await expect.poll(() => s.proxy.usage()).toMatchObject({ tunnels: 1 });
    await tunnel();
  });

  it('does not wait for timeout.idle when one direction has ended and the other is silent', async () => {
    const { caller, upstream } = await tunnel();
    caller.socket.end();
    await expect.poll(() => upstream.ended()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 600));
    s.clock.advance(31_000);
    await caller.closed();
    await expect.poll(() => s.proxy.usage()).toMatchObject({ tunnels: 0 });
  });

  it.each(['end', 'resetAndDestroy'] as const)(
    'ends the upstream connection when the caller leaves before the 101 (%s)',
    async (how) => {
      s.answer = () => undefined;
      const caller = await call(`${handshake()}early bytes`);
      await expect.poll(() => s.up.requests.length).toBe(1);
      caller.socket[how]();
      await expect.poll(() => s.up.connections.size).toBe(0);
    },
  );

  it('answers 504 when the 101 does not come in timeout.response', async () => {
    s.answer = () => undefined;
    const caller = await call(handshake());
    await caller.until(/^HTTP\/1\.1 504 /);
    await caller.closed();
  });

  it('a route that lets WebSockets through still serves plain requests', async () => {
    s.answer = () => ok;
    expect((await s.send('GET /api/ws')).status).toBe(200);
  });
});

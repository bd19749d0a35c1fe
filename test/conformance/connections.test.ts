import { randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { fakeNames, type Names } from '../support/names.ts';
import { ok, type RawRequest, values } from '../support/raw.ts';
import { receive } from '../support/raw-caller.ts';
import { useSetting } from './setting.ts';

const get = 'GET /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const bearer = (request: RawRequest) => values(request, 'authorization')[0];
const breaks = {
  FIN: (socket: Socket) => void socket.end(),
  RST: (socket: Socket) => socket.resetAndDestroy(),
};
const refused = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nrefused';

describe('K: connections and pools', () => {
  const s = useSetting();

  it('K2 a connection is not used again when the upstream keeps it for a second alone', async () => {
    s.answer = () => 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok';
    for (let i = 0; i < 3; i++) expect((await s.send('GET /api/x')).status).toBe(200);
    expect(s.up.accepted).toBe(3);
  });

  it('K2 a connection is used again when it is kept for longer', async () => {
    s.answer = () => 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60\r\nContent-Length: 2\r\n\r\nok';
    for (let i = 0; i < 3; i++) expect((await s.send('GET /api/x')).status).toBe(200);
    expect(s.up.accepted).toBe(1);
  });

  it('K3 callers that leave in the middle of an answer hold no connection', async () => {
    s.answer = () => `HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(100_000)}`;
    await Promise.all(
      Array.from(
        { length: 20 },
        () =>
          new Promise<void>((resolve) => {
            const socket = connect(s.proxy.port, '127.0.0.1', () =>
              socket.write('GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n'),
            );
            socket.on('close', () => resolve());
            socket.once('data', () => socket.destroy());
          }),
      ),
    );
    await expect.poll(() => s.up.connections.size).toBe(0);
    s.answer = () => ok;
    expect((await s.send('GET /api/x')).body).toBe('ok');
  });

  const staged = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nSTAGED';
  it.each([
    ['K4 in the same packet', 0],
    ['K5 50 ms later, while the connection is idle', 50],
  ])('%s, an answer to no request never reaches the next caller', async (_when, ms) => {
    s.answer = ({ socket }, count) => {
      if (count > 1) return ok;
      if (ms === 0) return ok + staged;
      setTimeout(() => socket.write(staged), ms);
      return ok;
    };
    expect((await s.send('GET /api/first')).body).toBe('ok');
    if (ms > 0) await expect.poll(() => s.up.connections.size).toBe(0);
    for (let i = 0; i < 3; i++) {
      const response = await s.send('GET /api/next');
      expect([response.status, response.body]).toEqual([200, 'ok']);
    }
    expect(s.up.requests).toHaveLength(4);
  });

  it('A8 a 401 with a body without end is dropped, and 300 of them leave no connection behind', async () => {
    const endless = `HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n${`2000\r\n${'x'.repeat(0x2000)}\r\n`.repeat(40)}`;
    let good: string | undefined;
    s.answer = (request) => {
      if (good === undefined || bearer(request) !== good) {
        if (good !== undefined) good = undefined;
        return ok;
      }
      good = undefined;
      return endless;
    };
    await s.send('GET /api/x');
    for (let round = 0; round < 300; round++) {
      s.clock.advance(60_000);
      good = bearer(s.up.requests.at(-1) as RawRequest);
      const before = s.up.requests.length;
      const response = await s.send('GET /api/x');
      expect([response.status, response.body, s.up.requests.length - before], `round ${round}`).toEqual([
        200,
        'ok',
        2,
      ]);
    }
    await expect.poll(() => s.up.connections.size, { timeout: 3_000 }).toBeLessThanOrEqual(1);
  }, 20_000);
});

describe('A12: a connection that breaks under a request', () => {
  const s = useSetting({ route: ', replay_limit: 64KiB' });
  /** Opens `count` connections that stay idle, each of which breaks `how` under its next request. */
  const stale = async (count: number, how: keyof typeof breaks, partial = '') => {
    const used = new Set<Socket>();
    const waiting: Socket[] = [];
    s.answer = ({ socket }) => {
      used.add(socket);
      if (waiting.push(socket) === count) for (const one of waiting) one.write(ok);
      return undefined;
    };
    await Promise.all(Array.from({ length: count }, () => s.send('GET /api/warm')));
    expect(used.size).toBe(count);
    s.clock.advance(5_000);
    s.up.requests.length = 0;
    s.answer = ({ socket }) => {
      if (!used.has(socket)) return ok;
      if (partial === '') breaks[how](socket);
      else socket.write(partial, () => setTimeout(() => breaks[how](socket), 20));
      return undefined;
    };
    return used;
  };
  const log = () => s.proxy.log();

  it.each(
    ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].flatMap((method) => [
      [method, 'FIN' as const],
      [method, 'RST' as const],
    ]),
  )('%s is sent again, once, on a new connection after %s', async (method, how) => {
    const used = await stale(1, how);
    expect((await s.send(`${method} /api/x?q=1`)).status).toBe(200);
    expect(s.up.requests.map((r) => [r.method, r.target, bearer(r), used.has(r.socket)])).toEqual([
      [method, '/v1/acme/x?q=1', 'Bearer SENT-T1', true],
      [method, '/v1/acme/x?q=1', 'Bearer SENT-T1', false],
    ]);
    expect(s.tokens.calls).toBe(1);
    await expect.poll(log).toContain('"resent":"stale-connection"');
  });

  it.each(
    ['POST', 'PATCH', 'LOCK', 'PROPFIND'].flatMap((method) => [
      [method, 'FIN' as const],
      [method, 'RST' as const],
    ]),
  )('%s is never sent twice after %s', async (method, how) => {
    await stale(1, how);
    expect((await s.send(`${method} /api/x`, ['Content-Length: 2'], 'hi')).status).toBe(502);
    expect(s.up.requests).toHaveLength(1);
    expect(log()).not.toContain('resent');
  });

  it('a new connection is used though another is idle, which would break as well', async () => {
    const used = await stale(2, 'RST');
    const sockets: Socket[] = [];
    s.answer = ({ socket }) => {
      if (!used.has(socket)) return ok;
      if (sockets.push(socket) > 2) socket.resetAndDestroy();
      return undefined;
    };
    const first = s.send('GET /api/first');
    await expect.poll(() => sockets.length).toBe(1);
    const second = s.send('GET /api/second');
    await expect.poll(() => sockets.length).toBe(2);
    sockets[0]?.write(ok);
    expect((await first).status).toBe(200);
    sockets[1]?.resetAndDestroy();
    expect((await second).status).toBe(200);
    expect(s.up.requests.map((r) => used.has(r.socket))).toEqual([true, true, false]);
  });

  it('five at once on five stale connections are all answered', async () => {
    await stale(5, 'RST');
    const responses = await Promise.all(Array.from({ length: 5 }, () => s.send('GET /api/x')));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(s.up.requests.length).toBeLessThanOrEqual(10);
  });

  it('a second break is 502', async () => {
    await stale(1, 'RST');
    s.answer = ({ socket }) => void socket.resetAndDestroy();
    expect((await s.send('GET /api/x')).status).toBe(502);
    expect(s.up.requests).toHaveLength(2);
  });

  it.each(['H', 'HTTP/1.1 200 OK\r\nX-', '\r\n'])(
    'a request whose answer had begun with %j is not sent again',
    async (partial) => {
      await stale(1, 'RST', partial);
      expect((await s.send('GET /api/x')).status).toBe(502);
      expect(s.up.requests).toHaveLength(1);
    },
  );

  it('a body is sent again byte for byte, whether announced or chunked', async () => {
    const body = randomBytes(50_000);
    await stale(1, 'FIN');
    expect((await s.send('PUT /api/x', [`Content-Length: ${body.length}`], body)).status).toBe(200);
    const used = await stale(1, 'RST');
    const chunked = Buffer.concat([
      Buffer.from(`${body.length.toString(16)}\r\n`),
      body,
      Buffer.from('\r\n0\r\n\r\n'),
    ]);
    expect((await s.send('PUT /api/x', ['Transfer-Encoding: chunked'], chunked)).status).toBe(200);
    expect(s.up.requests.map((r) => [used.has(r.socket), r.body.equals(body)])).toEqual([
      [true, true],
      [false, true],
    ]);
  });

  it('a body that was not kept is not sent again', async () => {
    await stale(1, 'RST');
    const body = randomBytes(70_000);
    expect((await s.send('PUT /api/x', [`Content-Length: ${body.length}`], body)).status).toBe(502);
    expect(s.up.requests).toHaveLength(1);
  });

  it('nothing is sent again for a caller that has left', async () => {
    const [upstream] = await stale(1, 'RST');
    const accepted = s.up.accepted;
    const caller = connect(s.proxy.port, '127.0.0.1');
    caller.write('PUT /api/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await expect.poll(() => s.up.bytes()).toContain('abc');
    upstream?.resetAndDestroy();
    await expect.poll(() => s.up.connections.size).toBe(0);
    caller.destroy();
    await expect.poll(log).toContain('"method":"PUT"');
    expect([s.up.accepted, s.up.requests.length]).toEqual([accepted, 0]);
  });

  it('a refused token is still replaced once after that', async () => {
    const used = await stale(1, 'RST');
    s.answer = (request) => {
      if (used.has(request.socket)) request.socket.resetAndDestroy();
      else return bearer(request) === 'Bearer SENT-T1' ? refused : ok;
      return undefined;
    };
    expect((await s.send('GET /api/x')).body).toBe('ok');
    expect(s.up.requests.map(bearer)).toEqual(['Bearer SENT-T1', 'Bearer SENT-T1', 'Bearer SENT-T2']);
    await expect.poll(log).toMatch(/"retry":"recovered","resent":"stale-connection"/);
  });

  it('what is sent with a new token may be sent again once', async () => {
    const used = await stale(2, 'RST');
    let first: Socket | undefined;
    s.answer = (request) => {
      if (first === undefined) {
        first = request.socket;
        return refused;
      }
      if (!used.has(request.socket)) return ok;
      request.socket.resetAndDestroy();
      return undefined;
    };
    expect((await s.send('GET /api/x')).body).toBe('ok');
    expect(s.up.requests.map(bearer)).toEqual(['Bearer SENT-T1', 'Bearer SENT-T2', 'Bearer SENT-T2']);
  });

  it('an idle connection that is reset fails no request', async () => {
    for (let i = 0; i < 30; i++) {
      s.answer = () => ok;
      await s.send('GET /api/x');
      const before = s.up.requests.length;
      for (const socket of s.up.connections) socket.resetAndDestroy();
      const received = await receive(
        s.proxy.port,
        'POST /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi',
      );
      // One that was on its way already is 502; what was not sent yet goes on a new connection.
      expect(s.up.requests.length - before).toBe(received.status === 200 ? 1 : 0);
    }
  });
});

describe('K6: an upstream whose name leads elsewhere', () => {
  const name = 'up.localhost';
  let names: Names;
  let tokens: TokenServer;
  let proxy: Fixture;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  /** An upstream at an address, which answers with `body`, or not at all. */
  const serveAt = async (address: string, port: number, body: string | undefined) => {
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      socket.on('data', () => {
        if (body !== undefined)
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(port, address, resolve));
    return (server.address() as AddressInfo).port;
  };
  const endAll = async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  };
  const call = async () => {
    const { status, text } = await receive(proxy.port, get);
    return status === 200 ? text.slice(text.indexOf('\r\n\r\n') + 4) : status;
  };

  beforeEach(async () => {
    names = fakeNames();
    tokens = await tokenServer('SENT-T');
  });
  afterEach(async () => {
    await proxy.stop();
    await endAll();
    await tokens.close();
    names.restore();
  });
  const start = async (port: number) => {
    proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: SENT-CLIENT } }
routes: { /api: { upstream: "http://${name}:${port}", credential: c, timeout: { response: 600ms } } }
`);
  };

  it.each([
    ['127.0.0.1', '::1'],
    ['::1', '127.0.0.1'],
  ])('is followed from %s to %s as soon as its connections end', async (from, to) => {
    names.set(name, [from]);
    const port = await serveAt(from, 0, 'old');
    await start(port);
    expect(await call()).toBe('old');
    names.set(name, [to]);
    await endAll();
    await serveAt(to, port, 'new');
    await expect.poll(call, { timeout: 4_000 }).toBe('new');
  });

  it('is followed when the old address goes silent: one request waits in vain, the next does not', async () => {
    names.set(name, ['127.0.0.1']);
    const port = await serveAt('127.0.0.1', 0, undefined);
    await start(port);
    expect(await call()).toBe(504);
    await serveAt('::1', port, 'new');
    names.set(name, ['::1']);
    expect(await call()).toBe('new');
  });

  it('is asked for at every address it has, in turn', async () => {
    names.set(name, ['::1', '127.0.0.1']);
    await start(await serveAt('127.0.0.1', 0, 'second'));
    expect(await call()).toBe('second');
  });
});

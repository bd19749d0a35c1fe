import { createHash, randomBytes } from 'node:crypto';
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { rawRequest, values } from '../support/raw.ts';

describe('an exchange', () => {
  let upstream: Server;
  let sockets: Set<Socket>;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  let tokens: TokenServer;
  let proxy: Fixture;

  beforeEach(async () => {
    sockets = new Set();
    upstream = createServer((req, res) => handle(req, res));
    upstream.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    tokens = await tokenServer('T');
    const { port } = upstream.address() as AddressInfo;
    proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off", shutdown_grace: 100ms }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes:
  /u: { upstream: "http://127.0.0.1:${port}", credential: c }
  /cookies: { upstream: "http://127.0.0.1:${port}", credential: c, cookies: true }
  /dead: { upstream: "http://127.0.0.1:1", credential: c }
  /impatient: { upstream: "http://127.0.0.1:${port}", credential: c, timeout: { response: 500ms, idle: 500ms } }
`);
  });
  afterEach(async () => {
    await proxy.stop();
    await tokens.close();
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  });

  const call = (
    path: string,
    options: { method?: string; headers?: Record<string, string> } = {},
  ): ClientRequest => request(`${proxy.url}${path}`, { agent: false, ...options });
  const answered = (req: ClientRequest) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      req.on('response', resolve);
      req.on('error', reject);
    });

  it('sends the head at once and each server-sent event as it comes', async () => {
    let send: (event: string) => void = () => {};
    handle = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
      send = (event) => void res.write(`data: ${event}\n\n`);
      setTimeout(() => {}, 0);
    };
    const req = call('/u/events');
    req.end();
    const response = await answered(req);
    expect(response.headers['content-type']).toBe('text/event-stream');
    const events = response[Symbol.asyncIterator]();
    for (const event of ['one', 'two', 'three']) {
      send(event);
      expect(String((await events.next()).value)).toBe(`data: ${event}\n\n`);
    }
    req.destroy();
  });

  it('streams a large upload and download without holding them', async () => {
    const hash = createHash('sha256');
    handle = (req, res) => {
      req.pipe(res);
    };
    const block = randomBytes(1024 * 1024);
    const sent = createHash('sha256');
    let left = 256;
    const body = new Readable({
      read() {
        if (left-- > 0) {
          sent.update(block);
          this.push(block);
        } else this.push(null);
      },
    });
    const before = process.memoryUsage().rss;
    const req = call('/u/echo', { method: 'PUT' });
    body.pipe(req);
    let bytes = 0;
    for await (const chunk of await answered(req)) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    expect(bytes).toBe(256 * 1024 * 1024);
    expect(hash.digest('hex')).toBe(sent.digest('hex'));
    expect(process.memoryUsage().rss - before).toBeLessThan(160 * 1024 * 1024);
  });

  it('holds back a fast upstream while the caller does not read', async () => {
    let written = 0;
    handle = (_req, res) => {
      res.writeHead(200);
      const block = Buffer.alloc(64 * 1024);
      const fill = () => {
        while (written < 512 * 1024 * 1024) {
          written += block.length;
          if (!res.write(block)) return res.once('drain', fill);
        }
        return res.end();
      };
      fill();
    };
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    socket.pause();
    socket.write('GET /u/big HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let last = -1;
    const stalled = () => {
      const same = written > 0 && written === last;
      last = written;
      return same;
    };
    await expect.poll(stalled, { interval: 200, timeout: 10_000 }).toBe(true);
    expect(written).toBeLessThan(64 * 1024 * 1024);
    socket.destroy();
  });

  it('passes HEAD, 204 and 304 without a body and keeps what their fields say', async () => {
    handle = (req, res) => {
      if (req.method === 'HEAD') res.writeHead(200, { 'content-length': '5' });
      else if (req.url === '/none') res.writeHead(204);
      else res.writeHead(304, { etag: '"v1"', 'content-length': '7' });
      res.end();
    };
    const port = Number(new URL(proxy.url).port);
    const text = await new Promise<string>((resolve) => {
      let got = '';
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (chunk) => {
        got += chunk;
      });
      socket.on('close', () => resolve(got));
      socket.write('HEAD /u/x HTTP/1.1\r\nHost: localhost\r\n\r\n');
      socket.write('GET /u/none HTTP/1.1\r\nHost: localhost\r\n\r\n');
      socket.write('GET /u/same HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    const [head, none, same] = text.split(/(?=HTTP\/1\.1 )/);
    expect(head).toMatch(/^HTTP\/1\.1 200[\s\S]*content-length: 5\r\n[\s\S]*\r\n\r\n$/i);
    expect(none).toMatch(/^HTTP\/1\.1 204/);
    expect(none).not.toMatch(/content-length|transfer-encoding/i);
    expect(same).toMatch(/^HTTP\/1\.1 304[\s\S]*etag: "v1"/i);
    expect(same).toMatch(/\r\n\r\n$/);
  });

  it('answers Expect: 100-continue and does not forward it', async () => {
    let seen: IncomingMessage['headers'] = {};
    handle = (req, res) => {
      seen = req.headers;
      req.resume().on('end', () => res.end('done'));
    };
    const req = call('/u/upload', {
      method: 'POST',
      headers: { expect: '100-continue', 'content-length': '4' },
    });
    req.flushHeaders();
    await new Promise((resolve) => req.once('continue', resolve));
    req.end('body');
    expect((await answered(req)).statusCode).toBe(200);
    expect(seen.expect).toBeUndefined();
    expect(seen['content-length']).toBe('4');
  });

  it('answers 417 to another expectation', async () => {
    handle = (_req, res) => res.end();
    const req = call('/u/x', { headers: { expect: 'the-unexpected' } });
    req.end();
    expect((await answered(req)).statusCode).toBe(417);
    expect(sockets.size).toBe(0);
  });

  it('forwards trailers, and none that carry a cookie', async () => {
    handle = (_req, res) => {
      res.writeHead(200, { trailer: 'X-Checksum' });
      res.write('body');
      res.addTrailers([
        ['X-Checksum', 'abc'],
        ['Set-Cookie', 'a=b'],
      ]);
      res.end();
    };
    const req = call('/u/trailers');
    req.end();
    const response = await answered(req);
    response.resume();
    await new Promise((resolve) => response.once('end', resolve));
    expect(response.headers.trailer).toBe('X-Checksum');
    expect(response.trailers).toEqual({ 'x-checksum': 'abc' });
  });

  it('drops request trailers', async () => {
    let seen: IncomingMessage | undefined;
    handle = (req, res) => {
      seen = req;
      req.resume().on('end', () => res.end());
    };
    const port = Number(new URL(proxy.url).port);
    const response = await rawRequest(
      port,
      'POST /u/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n3\r\nabc\r\n0\r\nAuthorization: evil\r\n\r\n',
    );
    expect(response.status).toBe(200);
    expect(seen?.headers.authorization).toBe('Bearer T1');
    expect(seen?.trailers).toEqual({});
  });

  it('keeps duplicate fields, their order and their case', async () => {
    handle = (_req, res) => {
      res.writeHead(200, [
        'X-Multi',
        'a',
        'x-MULTI',
        'b',
        'WWW-Authenticate',
        'Basic',
        'WWW-Authenticate',
        'Bearer',
        'Set-Cookie',
        'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
        'Set-Cookie',
        'b=2',
      ]);
      res.end();
    };
    const port = Number(new URL(proxy.url).port);
    const get = (path: string) =>
      rawRequest(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const plain = await get('/u/x');
    expect(plain.fields.filter(([name]) => /x-multi/i.test(name))).toEqual([
      ['X-Multi', 'a'],
      ['x-MULTI', 'b'],
    ]);
    expect(values(plain, 'www-authenticate')).toEqual(['Basic', 'Bearer']);
    expect(values(plain, 'set-cookie')).toEqual([]);
    expect(values(await get('/cookies/x'), 'set-cookie')).toEqual([
      'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
      'b=2',
    ]);
  });

  it('keeps field bytes beyond ASCII, also when the body comes later', async () => {
    let sent = '';
    handle = (req, res) => {
      sent = req.headers['x-name'] as string;
      req.socket.write(
        Buffer.from('HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\n', 'latin1'),
      );
      setTimeout(() => req.socket.write('ok'), 30);
      res.on('error', () => {});
    };
    const port = Number(new URL(proxy.url).port);
    const head = 'GET /u/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Name: \xe9\xff\r\n\r\n';
    const response = await rawRequest(port, Buffer.from(head, 'latin1'));
    expect(values(response, 'x-name')).toEqual(['caf\xe9']);
    expect(sent).toBe('\xe9\xff');
    expect(response.body).toBe('ok');
  });

  it('adds no Content-Type and leaves an encoded body as it is', async () => {
    const gzip = Buffer.from('1f8b0800000000000003010000ffff', 'hex');
    handle = (_req, res) => {
      res.writeHead(200, { 'content-encoding': 'gzip', 'content-length': gzip.length });
      res.end(gzip);
    };
    const req = call('/u/x', { headers: { 'accept-encoding': 'gzip' } });
    req.end();
    const response = await answered(req);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks)).toEqual(gzip);
    expect(response.headers['content-type']).toBeUndefined();
    expect(response.headers['content-encoding']).toBe('gzip');
  });

  it('passes an answer that comes before the upload is complete', async () => {
    handle = (_req, res) => {
      res.writeHead(413, { connection: 'close' });
      res.end('too much');
    };
    const req = call('/u/x', { method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
    req.on('error', () => {});
    req.write('x'.repeat(100_000));
    const response = await answered(req);
    expect(response.statusCode).toBe(413);
    let text = '';
    for await (const chunk of response) text += chunk;
    expect(text).toBe('too much');
    req.destroy();
  });

  it('closes the upstream within a second when the caller goes away', async () => {
    handle = (_req, res) => {
      res.writeHead(200);
      res.write('start');
    };
    const req = call('/u/x');
    req.end();
    await answered(req);
    expect(sockets.size).toBe(1);
    req.on('error', () => {});
    req.destroy();
    await expect.poll(() => sockets.size, { timeout: 1_000 }).toBe(0);
    await expect.poll(() => proxy.log()).toContain('"aborted":"caller"');
  });

  it('closes the upstream when the caller goes away before the answer', async () => {
    handle = () => {};
    const req = call('/u/x');
    req.on('error', () => {});
    req.end();
    await expect.poll(() => sockets.size).toBe(1);
    req.destroy();
    await expect.poll(() => sockets.size, { timeout: 1_000 }).toBe(0);
  });

  it.each(['content-length', 'chunked'])(
    'aborts the answer when the upstream breaks off a %s body',
    async (framing) => {
      handle = (_req, res) => {
        if (framing === 'content-length') res.writeHead(200, { 'content-length': '100' });
        res.write('part');
        setTimeout(() => res.socket?.destroy(), 50);
      };
      const req = call('/u/x');
      req.end();
      const response = await answered(req);
      await expect(
        (async () => {
          for await (const _ of response);
        })(),
      ).rejects.toThrow('aborted');
      await expect.poll(() => proxy.log()).toContain('"aborted":"upstream"');
    },
  );

  it('aborts the answer when the upstream stops in the middle of a body', async () => {
    handle = (_req, res) => {
      res.writeHead(200, { 'content-length': '100' });
      res.write('part');
    };
    const req = call('/impatient/x');
    req.end();
    const response = await answered(req);
    await expect(response.toArray()).rejects.toThrow('aborted');
    await expect.poll(() => sockets.size).toBe(0);
    await expect.poll(() => proxy.log()).toContain('"aborted":"upstream"');
  });

  it('gives a slow upload its time: the limit for the answer counts from its last piece', async () => {
    handle = (req, res) => {
      req.resume().on('end', () => res.end('got it'));
    };
    const req = call('/impatient/x', { method: 'POST', headers: { 'transfer-encoding': 'chunked' } });
    const answer = answered(req);
    for (let piece = 0; piece < 12; piece++) {
      req.write('x'.repeat(100));
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    req.end();
    expect((await answer).statusCode).toBe(200);
  });

  it.each([
    ['/dead/x', 502, 'upstream-unreachable', 'connection_refused'],
    ['/impatient/x', 504, 'upstream-timeout', 'http_response_timeout'],
  ])('answers %s with a problem that says what went wrong', async (path, status, code, proxyStatus) => {
    handle = () => {};
    const req = call(path);
    req.end();
    const response = await answered(req);
    let text = '';
    for await (const chunk of response) text += chunk;
    expect(response.statusCode).toBe(status);
    expect(response.headers['proxy-status']).toContain(`error=${proxyStatus}`);
    expect(JSON.parse(text)).toMatchObject({ type: `urn:cupbearer:problem:${code}`, status });
  });

  it('maps a Location under the upstream back under the route and leaves any other', async () => {
    const own = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    handle = (req, res) => {
      const to: Record<string, string> = {
        '/a': `${own}/next?x`,
        '/b': '/next',
        '/c': 'https://elsewhere.test/next',
        '/d': '//elsewhere.test',
      };
      res.writeHead(302, { location: to[req.url ?? ''] ?? '' });
      res.end();
    };
    const location = async (path: string) => {
      const req = call(path);
      req.end();
      return (await answered(req)).headers.location;
    };
    expect(await location('/u/a')).toBe('/u/next?x');
    expect(await location('/u/b')).toBe('/u/next');
    expect(await location('/u/c')).toBe('https://elsewhere.test/next');
    expect(await location('/u/d')).toBe('//elsewhere.test');
  });
});

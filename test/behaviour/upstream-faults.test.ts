import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BadCertificates, badCertificates, type Kind } from '../support/bad-certificates.ts';
import { blackHole } from '../support/black-hole.ts';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { ok, type RawUpstream, rawUpstream } from '../support/raw.ts';
import { receive } from '../support/raw-caller.ts';
import { configFile, serve } from '../support/serve.ts';

const get = 'GET /u/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
const post = 'POST /u/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi';
let certificates: BadCertificates;
let tokens: TokenServer;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  certificates = badCertificates();
  tokens = await tokenServer('SENT-T');
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

afterAll(async () => {
  certificates.remove();
  await tokens.close();
});

async function proxyTo(upstream: string, route = ''): Promise<Fixture> {
  const proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: SENT-CLIENT } }
routes: { /u: { upstream: "${upstream}", credential: c, timeout: { connect: 700ms, response: 2s } ${route} } }
`);
  ends.push(() => proxy.stop());
  return proxy;
}

const trusting = () => `, tls: { ca: "${certificates.root}" }`;

/** Listens on a port of its own; gives the bytes received and the connections accepted. */
async function listening(server: Server): Promise<{ port: number; seen: Buffer[]; sockets: Set<Socket> }> {
  const seen: Buffer[] = [];
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as { port: number }).port, seen, sockets };
}

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

async function problem(proxy: Fixture, request = get): Promise<Problem> {
  const { status, text } = await receive(proxy.port, request);
  const { type, detail } = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));
  expect(text).not.toContain('SENT-');
  return { status, code: type.replace('urn:cupbearer:problem:', ''), detail };
}

describe('a TLS upstream', () => {
  /** Answers every request, so that one that comes is seen; as lax as OpenSSL can be. */
  const secure = async (options: TlsOptions) => {
    const lax = { ciphers: 'DEFAULT@SECLEVEL=0', ...options };
    const server = createTlsServer(lax, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        upstream.seen.push(chunk);
        socket.write(ok);
      });
    });
    const upstream = await listening(server);
    return upstream;
  };

  it('with a good certificate is trusted', async () => {
    const { port } = await secure(certificates.pairs.good);
    const proxy = await proxyTo(`https://localhost:${port}`, trusting());
    expect((await receive(proxy.port, get)).status).toBe(200);
  });

  it.each<[Kind, RegExp]>([
    ['expired', /has expired.*renew/],
    ['not yet valid', /not valid yet.*clock/],
    ['for another host', /for another host/],
    ['of an unknown authority', /authority.*unknown.*tls\.ca/],
    ['without its intermediate', /intermediate.*tls\.ca/],
    ['signed by itself', /signed by itself.*tls\.ca/],
    ['with a weak key', /too weak/],
    ['with a weak signature', /too weak/],
  ])('with a certificate %s gets nothing, and the caller is told why', async (kind, why) => {
    const { port, seen } = await secure(certificates.pairs[kind]);
    const proxy = await proxyTo(`https://localhost:${port}`, trusting());
    for (const request of [get, post]) {
      expect(await problem(proxy, request)).toEqual({
        status: 502,
        code: 'upstream-certificate',
        detail: expect.stringMatching(why),
      });
    }
    expect(seen).toEqual([]);
    expect(proxy.log()).not.toContain('SENT-');
  });

  it('whose authority is not configured is not trusted', async () => {
    const { port, seen } = await secure(certificates.pairs.good);
    const proxy = await proxyTo(`https://localhost:${port}`);
    expect(await problem(proxy)).toMatchObject({ status: 502, code: 'upstream-certificate' });
    expect(seen).toEqual([]);
  });

  it.each<[string, TlsOptions, string, RegExp]>([
    [
      'that speaks TLS 1.0 and 1.1 alone',
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' },
      'upstream-certificate',
      /TLS version/,
    ],
    [
      'that wants a client certificate, TLS 1.2',
      { requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' },
      'upstream-certificate',
      /client certificate.*tls\.cert/,
    ],
    [
      'that wants a client certificate, TLS 1.3',
      { requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' },
      'upstream-closed',
      /client certificate.*tls\.cert/,
    ],
    [
      'that has no cipher of ours',
      { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA@SECLEVEL=0' },
      'upstream-certificate',
      /handshake/,
    ],
  ])('%s gets nothing', async (_what, options, code, detail) => {
    const { port, seen } = await secure({ ...certificates.pairs.good, ...options });
    const proxy = await proxyTo(`https://localhost:${port}`, trusting());
    expect(await problem(proxy)).toEqual({ status: 502, code, detail: expect.stringMatching(detail) });
    expect(seen).toEqual([]);
  });

  it.each<[string, (socket: Socket) => void, number, string]>([
    [
      'speaks HTTP',
      (socket) => void socket.end('HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n'),
      502,
      'upstream-certificate',
    ],
    ['sends garbage', (socket) => void socket.end(Buffer.alloc(500, 7)), 502, 'upstream-certificate'],
    ['closes', (socket) => void socket.end(), 502, 'upstream-closed'],
    ['resets', (socket) => socket.resetAndDestroy(), 502, 'upstream-closed'],
    ['says nothing', () => {}, 504, 'upstream-connect-timeout'],
  ])('whose port %s gets nothing', async (_what, reply, status, code) => {
    const upstream = await listening(
      createServer((socket) => {
        socket.on('data', (chunk: Buffer) => {
          upstream.seen.push(chunk);
          reply(socket);
        });
      }),
    );
    const proxy = await proxyTo(`https://localhost:${upstream.port}`, trusting());
    expect(await problem(proxy)).toMatchObject({ status, code });
    expect(Buffer.concat(upstream.seen).toString('latin1')).not.toMatch(/SENT-|HTTP\/1\.1/);
  });
});

describe('over TLS', () => {
  let answer: (socket: Socket, count: number) => string | undefined;
  const start = async (): Promise<{ up: RawUpstream; proxy: Fixture }> => {
    const up = await rawUpstream(({ socket }, count) => answer(socket, count), certificates.pairs.good);
    ends.push(() => up.close());
    return { up, proxy: await proxyTo(`https://localhost:${up.port}`, trusting()) };
  };

  it.each([
    'HTTP/1.1 200 OK\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc',
    'HTTP/1.0 200 OK\r\n\r\nabc',
  ])('R9 R10 an answer without a length, %j, is complete after FIN and aborted after RST', async (bytes) => {
    const { up, proxy } = await start();
    let upstream: Socket | undefined;
    answer = (socket) => {
      upstream = socket;
      return bytes;
    };
    const finished = await receive(proxy.port, get, { seen: 'abc', onSeen: () => void upstream?.end() });
    expect(finished).toMatchObject({ status: 200, isWhole: true });
    const reset = await receive(proxy.port, get, { seen: 'abc', onSeen: () => up.reset(upstream as Socket) });
    expect(reset).toMatchObject({ status: 200, isWhole: false });
  });

  it.each(['FIN', 'RST'])(
    'A12 GET is sent again once and POST never, after %s on a used connection',
    async (how) => {
      const { up, proxy } = await start();
      const used = new Set<Socket>();
      answer = (socket) => {
        if (!used.has(socket)) {
          used.add(socket);
          return ok;
        }
        if (how === 'FIN') socket.end();
        else up.reset(socket);
        return undefined;
      };
      expect((await receive(proxy.port, get)).status).toBe(200);
      expect((await receive(proxy.port, get)).status).toBe(200);
      expect(up.requests.map((r) => r.method)).toEqual(['GET', 'GET', 'GET']);
      expect(up.accepted).toBe(2);
      expect((await receive(proxy.port, get)).status).toBe(200);
      const before = up.requests.length;
      expect((await receive(proxy.port, post)).status).toBe(502);
      expect(up.requests.slice(before).map((r) => r.method)).toEqual(['POST']);
    },
  );

  it('A12 a GET whose answer had begun is not sent again', async () => {
    const { up, proxy } = await start();
    answer = (socket, count) => {
      if (count === 1) return ok;
      socket.write('H', () => setTimeout(() => up.reset(socket), 20));
      return undefined;
    };
    expect((await receive(proxy.port, get)).status).toBe(200);
    expect((await receive(proxy.port, get)).status).toBe(502);
    expect(up.requests).toHaveLength(2);
  });
});

describe('an upstream', () => {
  it.each(['http', 'https'])(
    'R2 that drops connections is 504 after timeout.connect, over %s',
    async (scheme) => {
      const hole = await blackHole();
      ends.push(() => hole.close());
      const proxy = await proxyTo(`${scheme}://127.0.0.1:${hole.port}`);
      const started = performance.now();
      expect(await problem(proxy)).toMatchObject({ status: 504, code: 'upstream-connect-timeout' });
      expect(performance.now() - started).toBeGreaterThan(300);
      expect(performance.now() - started).toBeLessThan(3_000);
    },
  );

  it('that refuses connections is 502', async () => {
    const upstream = await rawUpstream();
    await upstream.close();
    const proxy = await proxyTo(`http://127.0.0.1:${upstream.port}`);
    expect(await problem(proxy)).toMatchObject({ status: 502, code: 'upstream-unreachable' });
  });
});

describe('a fast upstream and a slow caller', () => {
  const mib = 1024 * 1024;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  /** Sends a body of `?<MiB>` as fast as it is taken. */
  const source = () =>
    createServer((socket) => {
      socket.once('data', (head) => {
        let left = (Number(/\?(\d+) /.exec(head.toString('latin1'))?.[1]) * mib) / chunk.length;
        socket.write(
          `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${left * chunk.length}\r\n\r\n`,
        );
        const send = () => {
          while (left-- > 0) if (!socket.write(chunk)) return void socket.once('drain', send);
          socket.end();
        };
        send();
      });
    });
  /** Reads it with a rest after every MiB; gives the bytes. */
  const readSlowly = (port: number, size: number) =>
    new Promise<number>((resolve) => {
      let bytes = 0;
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (piece) => {
        const before = Math.floor(bytes / mib);
        bytes += piece.length;
        if (Math.floor(bytes / mib) === before) return;
        socket.pause();
        setTimeout(() => socket.resume(), 4);
      });
      socket.on('close', () => resolve(bytes));
      socket.write(`GET /u/x?${size} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    });
  const rss = (pid: number | undefined) =>
    Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

  it('R28 leave the memory of the process where it was, whatever passes', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cupbearer-slow-'));
    const upstream = await listening(source());
    const served = serve(
      configFile(
        directory,
        `
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: SENT-CLIENT } }
routes: { /u: { upstream: "http://127.0.0.1:${upstream.port}", credential: c } }
`,
      ),
    );
    ends.push(async () => {
      await served.end('SIGTERM');
      rmSync(directory, { recursive: true });
    });
    const port = Number(new URL(await served.url).port);
    /** The most memory held while so many MiB pass. */
    const peak = async (size: number) => {
      let most = 0;
      const looking = setInterval(() => {
        most = Math.max(most, rss(served.process.pid));
      }, 10);
      expect(await readSlowly(port, size)).toBeGreaterThan(size * mib);
      clearInterval(looking);
      return most / mib;
    };
    // Buffers wait for the garbage collector, so peaks are compared.
    const some = await peak(96);
    const many = await peak(256);
    expect(many - some).toBeLessThan(32);
  }, 30_000);
});

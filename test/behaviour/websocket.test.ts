import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClientOptions, type RawData, WebSocket, WebSocketServer } from 'ws';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { ManualClock } from '../support/manual-clock.ts';

const key = /^[A-Za-z0-9+/]{22}==$/;

describe('a WebSocket through the proxy', () => {
  let upstream: Server;
  let webSockets: WebSocketServer;
  /** Handshakes as the upstream saw them. */
  let handshakes: IncomingMessage[];
  let sockets: Set<Socket>;
  /** What the upstream answers instead of 101; nothing to let it pass. */
  let refuse: (request: IncomingMessage, count: number) => string | undefined;
  /** Gets the upstream's connection instead of a WebSocket server. */
  let takeOver: ((socket: Socket) => void) | undefined;
  let onServer: (server: WebSocket) => void;
  let tokens: TokenServer;
  let clock: ManualClock;
  let proxy: Fixture;
  const clients: WebSocket[] = [];

  beforeEach(async () => {
    handshakes = [];
    sockets = new Set();
    refuse = () => undefined;
    takeOver = undefined;
    onServer = (server) => server.on('message', (data, isBinary) => server.send(data, { binary: isBinary }));
    webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: { threshold: 1 },
      handleProtocols: (offered) => (offered.has('chat') ? 'chat' : false),
    });
    upstream = createServer();
    upstream.on('upgrade', (request, socket, head) => {
      sockets.add(socket as Socket);
      handshakes.push(request);
      const refusal = refuse(request, handshakes.length);
      if (takeOver !== undefined) takeOver(socket as Socket);
      else if (refusal === undefined)
        webSockets.handleUpgrade(request, socket, head, (server) => onServer(server));
      else socket.end(refusal);
    });
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    tokens = await tokenServer('T');
    clock = new ManualClock();
    const { port } = upstream.address() as AddressInfo;
    proxy = await startCupbearer(
      `
server: { listen: "127.0.0.1:0", admin: "off", shutdown_grace: 5s, max_tunnels: 200 }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes:
  /ws: { upstream: "http://127.0.0.1:${port}/base", credential: c, upgrade: true, timeout: { idle: 60s } }
`,
      { clock },
    );
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await expect
      .poll(() => proxy.usage(), { message: 'everything is given back', timeout: 5_000 })
      .toEqual({ connections: 0, exchanges: 0, tunnels: 0, watched: 0, buffered: 0 });
    await proxy.stop();
    await tokens.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => upstream.close(resolve));
  });

  const client = (protocols: string[] = [], options: ClientOptions = {}, path = '/ws/feed?a=1') => {
    const one = new WebSocket(`${proxy.url.replace('http', 'ws')}${path}`, protocols, options);
    clients.push(one);
    return one;
  };
  const open = async (...args: Parameters<typeof client>) => {
    const one = client(...args);
    await once(one, 'open');
    return one;
  };
  /** Opens a connection and gives both of its ends. */
  const pair = async (...args: Parameters<typeof client>) => {
    const accepted = new Promise<WebSocket>((resolve) => {
      onServer = resolve;
    });
    return { client: await open(...args), server: await accepted };
  };
  const next = async (socket: WebSocket) => {
    const [data, isBinary] = (await once(socket, 'message')) as [RawData, boolean];
    return { bytes: data as Buffer, isBinary };
  };
  const fieldsOf = (request: IncomingMessage | undefined, name: string) =>
    request?.headersDistinct[name] ?? [];

  it('carries text and binary messages of every size, in order, both ways', async () => {
    const one = await open();
    const sent = [
      Buffer.from('grüße 🍷'),
      Buffer.alloc(0),
      randomBytes(1),
      randomBytes(70_000),
      randomBytes(8 << 20),
    ];
    const received: { bytes: Buffer; isBinary: boolean }[] = [];
    one.on('message', (data, isBinary) => received.push({ bytes: data as Buffer, isBinary }));
    for (const [i, bytes] of sent.entries()) one.send(bytes, { binary: i > 1 });
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(sent.length);
    for (const [i, { bytes, isBinary }] of received.entries()) {
      expect(isBinary).toBe(i > 1);
      expect(bytes.equals(sent[i] as Buffer)).toBe(true);
    }
  });

  it('carries a message in fragments, with a ping between them', async () => {
    const { client: one, server } = await pair();
    const message = next(server);
    const ping = once(server, 'ping');
    one.send('one ', { fin: false });
    one.ping('between');
    one.send('two ', { fin: false });
    one.send('three', { fin: true });
    expect(String((await message).bytes)).toBe('one two three');
    expect(String((await ping)[0])).toBe('between');
  });

  it('carries pings and pongs both ways', async () => {
    const { client: one, server } = await pair();
    for (const [from, payload] of [
      [one, 'from the client'],
      [server, 'from the server'],
    ] as const) {
      const pong = once(from, 'pong');
      from.ping(payload);
      expect(String((await pong)[0])).toBe(payload);
    }
  });

  it.each([
    ['client', 4001, 'done here'],
    ['server', 1012, 'restarting'],
    ['client', 1005, ''],
  ] as const)('carries a close by the %s with code %i', async (side, code, reason) => {
    const { client: one, server } = await pair();
    const [from, to] = side === 'client' ? [one, server] : [server, one];
    const closed = Promise.all([once(to, 'close'), once(from, 'close')]);
    if (code === 1005) from.close();
    else from.close(code, reason);
    const [[seenCode, seenReason]] = await closed;
    expect([seenCode, String(seenReason)]).toEqual([code, reason]);
  });

  it.each(['client', 'server'] as const)('ends for the other side when the %s breaks off', async (side) => {
    const { client: one, server } = await pair();
    const [from, to] = side === 'client' ? [one, server] : [server, one];
    const closed = once(to, 'close');
    from.terminate();
    expect((await closed)[0]).toBe(1006);
  });

  it.each(['client', 'server'] as const)(
    'lets the %s end its direction and hear the other one to its end',
    async (side) => {
      const server = new Promise<Socket>((resolve) => {
        takeOver = resolve;
      });
      const one = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
      one.write(
        'GET /ws/raw HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
      const other = await server;
      other.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          // RFC 6455 §1.3 gives this answer to that key.
          'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
      );
      expect(String((await once(one, 'data'))[0])).toMatch(/^HTTP\/1.1 101 /);
      const [from, to] = side === 'client' ? [one, other] : [other, one];
      const heard = toEnd(to);
      from.end('the last word');
      expect(await heard).toBe('the last word');
      const answer = toEnd(from);
      to.write('and yet ');
      to.end('an answer');
      expect(await answer).toBe('and yet an answer');
    },
  );

  it('lets both sides agree on a subprotocol', async () => {
    const { client: one, server } = await pair(['mqtt', 'chat']);
    expect([one.protocol, server.protocol]).toEqual(['chat', 'chat']);
    expect(fieldsOf(handshakes[0], 'sec-websocket-protocol')).toEqual(['mqtt,chat']);
  });

  it('lets both sides agree on compression, and carries what is compressed as it is', async () => {
    const { client: one, server } = await pair([], { perMessageDeflate: { threshold: 1 } });
    expect(one.extensions).toBe('permessage-deflate');
    const [socket] = sockets;
    const before = socket?.bytesRead ?? 0;
    const message = next(server);
    one.send('a'.repeat(1 << 20));
    expect((await message).bytes.equals(Buffer.alloc(1 << 20, 'a'))).toBe(true);
    expect((socket?.bytesRead ?? 0) - before).toBeLessThan(10_000);
  });

  it('asks upstream with the credential once and nothing of the caller that could be one', async () => {
    await open([], {
      headers: {
        Authorization: 'Basic mine',
        Cookie: 'session=mine',
        'Proxy-Authorization': 'Basic mine',
        AUTHORIZATION_: 'mine',
        'X-Forwarded-For': '10.0.0.1',
        'X-Trace': 'kept',
      },
      perMessageDeflate: false,
    });
    const { rawHeaders, url, method } = handshakes[0] as IncomingMessage;
    expect([method, url]).toEqual(['GET', '/base/feed?a=1']);
    const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    expect(names.filter((name) => name === 'authorization')).toHaveLength(1);
    expect(fieldsOf(handshakes[0], 'authorization')).toEqual(['Bearer T1']);
    expect(rawHeaders.join('\n')).not.toMatch(/mine|10\.0\.0\.1|cookie/i);
    expect(fieldsOf(handshakes[0], 'x-trace')).toEqual(['kept']);
    expect(fieldsOf(handshakes[0], 'upgrade')).toEqual(['websocket']);
    expect(fieldsOf(handshakes[0], 'connection').join().toLowerCase()).toBe('upgrade');
    expect(fieldsOf(handshakes[0], 'sec-websocket-key')[0]).toMatch(key);
    expect(fieldsOf(handshakes[0], 'host')).toEqual([
      `127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    ]);
  });

  it('carries 200 connections at once, each with the credential and its own messages, for one token', async () => {
    const all = await Promise.all(Array.from({ length: 200 }, (_, i) => open([], {}, `/ws/${i}`)));
    expect(await proxy.usage()).toMatchObject({ tunnels: 200 });
    const echoes = await Promise.all(
      all.map(async (one, i) => {
        const answers = [next(one)];
        one.send(`message of ${i}`);
        await answers[0];
        answers.push(next(one));
        one.send(Buffer.alloc(10_000, i));
        const [text, binary] = await Promise.all(answers);
        return String(text?.bytes) === `message of ${i}` && binary?.bytes.equals(Buffer.alloc(10_000, i));
      }),
    );
    expect(echoes).toEqual(all.map(() => true));
    expect(new Set(handshakes.flatMap((one) => fieldsOf(one, 'authorization')))).toEqual(
      new Set(['Bearer T1']),
    );
    expect(new Set(handshakes.map(({ url }) => url)).size).toBe(200);
    expect(tokens.calls).toBe(1);
  });

  it('is answered 503 at once when there are as many as there may be, and is served when one has ended', async () => {
    const all = await Promise.all(Array.from({ length: 200 }, () => open()));
    expect(await refusalOf(client())).toMatchObject({ status: 503 });
    expect(handshakes).toHaveLength(200);
    all[0]?.close();
    await expect.poll(() => proxy.usage()).toMatchObject({ tunnels: 199 });
    await open();
  });

  it.each([
    ['403 Forbidden', 'no device for you'],
    ['404 Not Found', '{"error":"no such feed"}'],
    ['426 Upgrade Required', 'v13 only'],
    ['503 Service Unavailable', ''],
  ])('gets a refusal, %s, as the upstream sent it', async (status, body) => {
    refuse = () =>
      `HTTP/1.1 ${status}\r\nX-Why: because\r\nSec-WebSocket-Version: 13\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const refusal = await refusalOf(client());
    expect(refusal).toMatchObject({ status: Number(status.slice(0, 3)), body });
    expect(refusal.headers).toMatchObject({ 'x-why': 'because', 'content-length': String(body.length) });
    expect(handshakes).toHaveLength(1);
  });

  it('is let in by a new token when the handshake is refused once with 401', async () => {
    (await open()).close();
    await clock.advance(5_000);
    refuse = (request) =>
      request.headers.authorization === 'Bearer T1'
        ? 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nold'
        : undefined;
    const one = await open([], { headers: { 'X-Trace': 'kept' } });
    const echo = next(one);
    one.send('in');
    expect(String((await echo).bytes)).toBe('in');
    expect(handshakes.map(({ url }) => url)).toEqual(Array(3).fill('/base/feed?a=1'));
    expect(handshakes.map((request) => fieldsOf(request, 'authorization'))).toEqual([
      ['Bearer T1'],
      ['Bearer T1'],
      ['Bearer T2'],
    ]);
    const [, first, second] = handshakes.map((request) => fieldsOf(request, 'sec-websocket-key'));
    expect(second).toEqual(first);
    expect(tokens.calls).toBe(2);
  });

  it('gets the 401 itself when a new token is refused too, after two handshakes', async () => {
    (await open()).close();
    await clock.advance(5_000);
    refuse = (_request, count) =>
      `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 1\r\n\r\n${count}`;
    expect(await refusalOf(client())).toMatchObject({ status: 401, body: '3' });
    expect(handshakes).toHaveLength(3);
  });

  it('is cut when nothing moves for timeout.idle, and not as long as something does', async () => {
    const { client: one, server } = await pair();
    server.on('message', (data) => server.send(data));
    for (let i = 0; i < 3; i++) {
      await clock.advance(45_000);
      const echo = next(one);
      one.send('still here');
      await echo;
    }
    const closed = Promise.all([once(one, 'close'), once(server, 'close')]);
    await clock.advance(59_000);
    expect(await proxy.usage()).toMatchObject({ tunnels: 1 });
    await clock.advance(2_000);
    expect((await closed).map(([code]) => code)).toEqual([1006, 1006]);
  });

  it('may go on while the proxy stops, and is ended when it has been quiet', async () => {
    const { client: one, server } = await pair();
    server.on('message', (data) => server.send(data));
    const stopping = proxy.stop();
    const echo = next(one);
    one.send('still here');
    await echo;
    const closed = Promise.all([once(one, 'close'), once(server, 'close')]);
    await clock.advance(3_000);
    expect((await closed).map(([code]) => code)).toEqual([1006, 1006]);
    await stopping;
  });
});

/** All that comes until the other side ends its direction; ours stays open. */
function toEnd(socket: Socket): Promise<string> {
  let heard = '';
  socket.on('data', (chunk: Buffer) => {
    heard += chunk;
  });
  return once(socket, 'end').then(() => heard);
}

/** What a handshake was answered instead of 101. */
function refusalOf(client: WebSocket): Promise<{ status: number; headers: object; body: string }> {
  return new Promise((resolve, reject) => {
    client.on('open', () => reject(new Error('it was let in')));
    client.on('error', reject);
    client.on('unexpected-response', async (_request, response: IncomingMessage) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
    });
  });
}

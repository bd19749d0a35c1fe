import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificate } from '../support/certificate.ts';
import { type Duplex, watchSocket } from '../support/duplex.ts';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

describe('a tunnel from a listener with TLS', () => {
  let tls: ReturnType<typeof certificate>;
  let upstream: ReturnType<typeof createServer>;
  let upstreamEnd: Promise<Duplex>;
  let tokens: TokenServer;
  let proxy: Fixture;
  let caller: Duplex;

  beforeEach(async () => {
    tls = certificate();
    upstream = createServer({ allowHalfOpen: true });
    upstreamEnd = new Promise((resolve) =>
      upstream.once('connection', async (socket: Socket) => {
        await once(socket, 'data');
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        resolve(watchSocket(socket));
      }),
    );
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    tokens = await tokenServer('T');
    proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off", tls: { cert: "${tls.path}", key: "${tls.keyPath}" } }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes: { /ws: { upstream: "http://127.0.0.1:${(upstream.address() as AddressInfo).port}", credential: c, upgrade: true } }
`);
    const options = { port: proxy.port, host: '127.0.0.1', ca: tls.cert, servername: 'localhost' };
    caller = watchSocket(connect({ ...options, allowHalfOpen: true } as ConnectionOptions));
    caller.socket.write(
      `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    await caller.until(/^HTTP\/1\.1 101 .*\r\n\r\n/s);
  });
  afterEach(async () => {
    caller.socket.destroy();
    (await upstreamEnd).socket.destroy();
    await proxy.stop();
    upstream.close();
    await tokens.close();
    tls.remove();
  });

  it('goes on in one direction when the caller has ended the other', async () => {
    const peer = await upstreamEnd;
    const big = 'x'.repeat(3_000_000);
    caller.socket.end('last words');
    await peer.until(/last words$/);
    await expect.poll(() => peer.ended()).toBe(true);
    peer.socket.end(big);
    await expect.poll(() => caller.received().split('\r\n\r\n')[1]?.length).toBe(big.length);
    await expect.poll(() => proxy.usage()).toMatchObject({ tunnels: 0, connections: 0, watched: 0 });
  });

  it('ends with either of its connections', async () => {
    const peer = await upstreamEnd;
    caller.socket.destroy();
    peer.socket.destroy();
    await expect.poll(() => proxy.usage()).toMatchObject({ tunnels: 0, connections: 0, watched: 0 });
  });
});

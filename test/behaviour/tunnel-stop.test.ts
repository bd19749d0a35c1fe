import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { certificate } from '../support/certificate.ts';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';

describe('a WebSocket while Cupbearer stops', () => {
  let tls: ReturnType<typeof certificate>;
  let upstream: ReturnType<typeof createServer>;
  let sockets: WebSocketServer;
  let tokens: TokenServer;
  let proxy: Fixture;

  beforeAll(() => {
    tls = certificate();
  });
  afterAll(() => tls.remove());
  beforeEach(async () => {
    upstream = createServer({ key: tls.key, cert: tls.cert });
    sockets = new WebSocketServer({ server: upstream });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    tokens = await tokenServer('T');
    proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off", shutdown_grace: 3s }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes:
  /ws:
    upstream: "https://localhost:${(upstream.address() as AddressInfo).port}"
    credential: c
    upgrade: true
    tls: { ca: ${tls.path} }
`);
  });
  afterEach(async () => {
    await proxy.stop();
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    upstream.close();
    await tokens.close();
  });

  const open = async () => {
    const socket = new WebSocket(`${proxy.url.replace('http', 'ws')}/ws`);
    await once(socket, 'open');
    return socket;
  };
  const timed = async (done: Promise<unknown>) => {
    const begun = performance.now();
    await done;
    return performance.now() - begun;
  };

  it('ends once it has been quiet for a second, well before the grace', async () => {
    const socket = await open();
    socket.send('hello');
    const [data] = await once(socket, 'message');
    expect(String(data)).toBe('hello');
    const ms = await timed(Promise.all([once(socket, 'close'), proxy.stop()]));
    expect(ms).toBeGreaterThan(900);
    expect(ms).toBeLessThan(2_800);
    expect(proxy.log()).toContain('"tunnel":"shutdown"');
  });

  it('goes on while it is busy, and is cut when the grace is over', async () => {
    const socket = await open();
    let answered = 0;
    socket.on('message', () => answered++);
    const talk = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('x'), 50);
    const stopped = proxy.stop();
    await expect.poll(() => answered, { timeout: 3_000 }).toBeGreaterThan(40);
    await Promise.all([once(socket, 'close'), stopped]);
    clearInterval(talk);
    expect(proxy.log()).toMatch(/connections were cut/);
  });

  it('is refused while stopping', async () => {
    const first = await open();
    const stopped = proxy.stop();
    const second = new WebSocket(`${proxy.url.replace('http', 'ws')}/ws`);
    await once(second, 'error');
    first.close();
    await stopped;
  });
});

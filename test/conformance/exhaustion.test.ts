import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { ok, type RawUpstream, rawRequest, rawUpstream } from '../support/raw.ts';
import { configFile, type Served, serve } from '../support/serve.ts';

const mebibyte = 1024 * 1024;

describe('when no file descriptor is left', () => {
  let directory: string;
  let up: RawUpstream;
  let tokens: TokenServer;
  let served: Served;
  let port: number;
  const held: Socket[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-fds-'));
    up = await rawUpstream(() => ok.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    tokens = await tokenServer('SENT-T');
    const file = configFile(
      directory,
      `
server: { listen: "127.0.0.1:0", admin: "off", header_timeout: 60s }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials:
  known: { provider: p, client_id: id, client_secret: SENT-CLIENT }
  unknown: { provider: p, client_id: id, client_secret: SENT-CLIENT }
routes:
  /known: { upstream: "http://127.0.0.1:${up.port}", credential: known }
  /unknown: { upstream: "http://127.0.0.1:${up.port}", credential: unknown }
`,
    );
    served = serve(file, {}, 256);
    port = Number(new URL(await served.url).port);
  });
  afterEach(async () => {
    for (const socket of held.splice(0)) socket.destroy();
    await served.end('SIGKILL');
    await Promise.all([up.close(), tokens.close()]);
    rmSync(directory, { recursive: true });
  });

  const get = (path: string) =>
    rawRequest(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  /** The problem that answers a request on a connection that is open already, and stays open: its end would free a descriptor. */
  const getOn = (socket: Socket, path: string) =>
    new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (text.endsWith('}')) resolve(text);
      });
      socket.on('close', () => resolve(text));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    });

  it('D7 lives, answers 503 where it cannot connect, and recovers', async () => {
    expect(served.output()).toContain(
      'the limit of open files is below what server.max_connections may need',
    );
    expect((await get('/known/x')).status).toBe(200);
    const alive = new Set<Socket>();
    for (let i = 0; i < 350; i++) {
      const socket = connect(port, '127.0.0.1', () => alive.add(socket));
      socket.on('error', () => {});
      socket.on('close', () => alive.delete(socket));
      held.push(socket);
    }
    // Those beyond the limit are accepted and closed by libuv, which keeps a descriptor for that.
    const ended = () => held.filter((socket) => socket.destroyed).length;
    await expect
      .poll(() => [alive.size + ended(), ended() > 50, alive.size > 150])
      .toEqual([350, true, true]);
    const refusedUpstreams = up.requests.length;
    const [first, second] = alive;
    const answers = await Promise.all([
      getOn(first as Socket, '/known/x'),
      getOn(second as Socket, '/unknown/x'),
    ]);
    expect(answers[0]).toMatch(
      /^HTTP\/1\.1 503 [\s\S]*retry-after: 1\r\n[\s\S]*urn:cupbearer:problem:overloaded/i,
    );
    expect(answers[1]).toMatch(/^HTTP\/1\.1 503 [\s\S]*urn:cupbearer:problem:token-unavailable/);
    expect(up.requests.length).toBe(refusedUpstreams);
    for (const socket of held.splice(0)) socket.destroy();
    await expect.poll(async () => (await get('/known/x')).status, { timeout: 5_000 }).toBe(200);
    await expect
      .poll(async () => (await get('/unknown/x')).status, { timeout: 15_000, interval: 500 })
      .toBe(200);
    expect(served.output()).not.toContain('SENT-');
    expect(await served.end('SIGTERM')).toBe(0);
  }, 40_000);
});

describe('bodies at their cap', () => {
  let up: RawUpstream;
  let tokens: TokenServer;
  let proxy: Fixture;

  beforeEach(async () => {
    up = await rawUpstream();
    tokens = await tokenServer('T');
    proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off", max_body_buffer: 8MiB, shutdown_grace: 100ms }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes: { /u: { upstream: "http://127.0.0.1:${up.port}", credential: c, replay_limit: 1MiB, timeout: { response: 3s } } }
`);
  });
  afterEach(async () => {
    await proxy.stop();
    await Promise.all([up.close(), tokens.close()]);
  });

  it('D10 hold no more than max_body_buffer together, all arrive, and all is given back', async () => {
    const body = Buffer.alloc(mebibyte, 'b');
    const head = `POST /u/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    const callers = Array.from({ length: 64 }, () => {
      const socket = connect(proxy.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.on('error', () => {});
      socket.write(head);
      socket.write(body.subarray(0, -1));
      const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
      return { end: () => socket.write(body.subarray(-1)), ended };
    });
    let highest = 0;
    const look = setInterval(async () => {
      highest = Math.max(highest, (await proxy.usage()).buffered);
    }, 5);
    // Those that are kept wait for their last byte; those beyond the cap stream, and have begun at the upstream.
    await expect.poll(() => up.accepted, { timeout: 10_000 }).toBeGreaterThan(50);
    await expect.poll(async () => (await proxy.usage()).buffered).toBeGreaterThan(4 * mebibyte);
    for (const { end } of callers) end();
    const answers = await Promise.all(callers.map(({ ended }) => ended));
    clearInterval(look);
    expect(answers.filter((text) => text.startsWith('HTTP/1.1 200 '))).toHaveLength(64);
    expect(highest).toBeLessThanOrEqual(8 * mebibyte);
    expect(up.requests.every((request) => request.body.equals(body))).toBe(true);
    await expect
      .poll(() => proxy.usage())
      .toEqual({ connections: 0, exchanges: 0, tunnels: 0, watched: 0, buffered: 0 });
  }, 30_000);

  it('stay with the caller while the upstream takes nothing', async () => {
    const total = 64 * mebibyte;
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`POST /u/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${total}\r\n\r\n`);
    await expect.poll(() => up.connections.size).toBe(1);
    for (const one of up.connections) one.pause();
    const before = process.memoryUsage().arrayBuffers;
    let handed = 0;
    const block = Buffer.alloc(mebibyte);
    const hand = () => {
      while (handed < total) {
        handed += block.length;
        if (!socket.write(block)) return void socket.once('drain', hand);
      }
    };
    hand();
    let last = -1;
    await expect
      .poll(
        () => {
          const still = handed === last;
          last = handed;
          return still;
        },
        { interval: 300, timeout: 10_000 },
      )
      .toBe(true);
    expect(handed).toBeLessThan(32 * mebibyte);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * mebibyte);
    socket.destroy();
    // Nobody reads what the caller sends, its end too: the limit for the answer ends the exchange.
    await expect.poll(async () => (await proxy.usage()).exchanges, { timeout: 6_000 }).toBe(0);
  });
});

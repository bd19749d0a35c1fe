import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { get, type ServerResponse } from 'node:http';
import { connect, createServer, Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Listener, listen } from '../../src/cli/listener.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { systemClock } from '../../src/token/clock.ts';
import { rawRequest } from '../support/raw.ts';

const local = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
let listener: Listener | undefined;
afterEach(() => listener?.close(0));

describe('a listener', () => {
  it('says where it listens', async () => {
    listener = await listen(local, (_request, response) => response.end('ok'));
    expect(listener.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetchText(listener.url)).text).toBe('ok');
  });

  it('rejects when the address is taken', async () => {
    listener = await listen(local, (_request, response) => response.end());
    await expect(
      listen({ ...local, port: Number(new URL(listener.url).port) }, () => {}),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('binds a socket file that only its owner may use, over one a crash left behind', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cupbearer-'));
    const path = join(dir, 'proxy.sock');
    try {
      const dead = createServer();
      await new Promise<void>((resolve) => dead.listen(path, resolve));
      await expect(listen({ kind: 'unix', path }, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
      await new Promise<void>((resolve) => {
        dead.close(() => resolve());
      });
      listener = await listen({ kind: 'unix', path }, (_request, response) => response.end('ok'));
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(listener.url).toBe(`unix:${path}`);
      await listener.close(0);
      expect(existsSync(path)).toBe(false);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('leaves alone the socket file of one that is too busy to answer', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cupbearer-'));
    const path = join(dir, 'proxy.sock');
    const script = `require('net').createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => console.log())`;
    const busy = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const waiting: Socket[] = [];
    try {
      await once(busy.stdout, 'data');
      busy.kill('SIGSTOP');
      for (let i = 0; i < 4; i++) waiting.push(connect(path).on('error', () => {}));
      await once(waiting[0] as Socket, 'connect');
      await expect(listen({ kind: 'unix', path }, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
      expect(existsSync(path)).toBe(true);
    } finally {
      for (const socket of waiting) socket.destroy();
      busy.kill('SIGKILL');
      rmSync(dir, { recursive: true });
    }
  });

  it('binds a socket file that nobody else may use from its birth', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'cupbearer-'));
    const path = join(dir, 'proxy.sock');
    const mask = process.umask(0);
    try {
      const masks: number[] = [];
      const bind = Server.prototype.listen;
      vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args) {
        masks.push(process.umask());
        return bind.apply(this, args as Parameters<typeof bind>);
      });
      listener = await listen({ kind: 'unix', path }, (_request, response) => response.end('ok'));
      expect(masks).toEqual([0o177]);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(process.umask()).toBe(0);
    } finally {
      vi.restoreAllMocks();
      process.umask(mask);
      rmSync(dir, { recursive: true });
    }
  });

  it('lets an exchange in progress end, closes its connection and accepts no other', async () => {
    let finish: ServerResponse | undefined;
    listener = await listen(local, (_request, response) => {
      finish = response;
      response.writeHead(200);
      response.write('a');
    });
    const { url } = listener;
    const answer = fetchText(url);
    await expect.poll(() => finish).toBeDefined();
    const closed = listener.close(10_000);
    await expect(fetchText(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    finish?.end('b');
    expect((await answer).text).toBe('ab');
    expect(await closed).toBe(0);
  });

  it('cuts what has not ended when the grace is over, and says how many', async () => {
    let started = false;
    listener = await listen(local, (_request, response) => {
      started = true;
      response.write('a');
    });
    const answer = fetchText(listener.url).catch((error: Error) => error.message);
    await expect.poll(() => started).toBe(true);
    expect(await listener.close(50)).toBe(1);
    expect(await answer).toMatch(/aborted|hang up|reset/i);
  });

  it('answers 405 to CONNECT', async () => {
    listener = await listen(local, (_request, response) => response.end());
    const port = Number(new URL(listener.url).port);
    expect((await rawRequest(port, 'CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n')).status).toBe(
      405,
    );
  });

  it('lets a slow caller have the whole of an answer that is already written when it closes', async () => {
    const size = 32 * 1024 * 1024;
    listener = await listen(local, (_request, response) => response.end(Buffer.alloc(size)), {
      bounds: { max_connections: 10, header_timeout: 10_000, send_timeout: 60_000 },
      tls: undefined,
      clock: systemClock,
      log: createLog({ level: 'silent' }),
    });
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let received = 0;
    await new Promise<void>((resolve) => socket.once('readable', resolve));
    const closed = listener.close(20_000);
    await new Promise((resolve) => setTimeout(resolve, 200));
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    expect(await closed).toBe(0);
    await expect.poll(() => received).toBeGreaterThan(size);
  });
});

function fetchText(url: string): Promise<{ text: string }> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ text }));
      response.on('error', reject);
    }).on('error', reject);
  });
}

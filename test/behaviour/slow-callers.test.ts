import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TokenServer, tokenServer } from '../support/fixture.ts';
import { configFile, type Served, serve } from '../support/serve.ts';

const binary = '/usr/bin/slowhttptest';
const isMissing = !existsSync(binary) && process.env.CI === undefined;
if (isMissing)
  console.warn(`slow-callers.test.ts is skipped: there is no ${binary}; apt-get install slowhttptest`);

const seconds = 7;
const everyMs = 100;
const connections = 400;
/** More than the kernel takes for a caller that reads nothing, on loopback. */
const big = Buffer.alloc(4 * 1024 * 1024);

interface Reading {
  readonly status: number;
  readonly ms: number;
}

describe.skipIf(isMissing)('while hundreds of callers are slow on purpose', () => {
  let directory: string;
  let upstream: Server;
  let tokens: TokenServer;
  let served: Served;
  let url: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-slow-'));
    upstream = createServer((request, response) => {
      request.resume().on('end', () => response.end(request.url === '/big' ? big : 'ok'));
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    tokens = await tokenServer('T');
    const { port } = upstream.address() as AddressInfo;
    served = serve(
      configFile(
        directory,
        `
server: { listen: "127.0.0.1:0", admin: "off", header_timeout: 1s, body_timeout: 1s, send_timeout: 1s }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes: { /u: { upstream: "http://127.0.0.1:${port}", credential: c } }
`,
      ),
    );
    url = await served.url;
  });
  afterAll(async () => {
    expect(await served.end('SIGTERM')).toBe(0);
    await tokens.close();
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
    rmSync(directory, { recursive: true });
  });

  /** A request on a connection of its own. */
  const ask = () =>
    new Promise<Reading>((resolve) => {
      const began = performance.now();
      const end = (status: number) => resolve({ status, ms: performance.now() - began });
      const request = get(`${url}/u/good`, { agent: false }, (response) => {
        response.resume().on('end', () => end(response.statusCode ?? 0));
      });
      request.on('error', () => end(0));
    });
  /** How many have been told that they are too slow, or were broken off in the middle of their answer. */
  const cutOff = () => served.output().match(/"error":"request-timeout"|"aborted":"caller"/g)?.length ?? 0;
  const attack = async (args: readonly string[]) => {
    const readings: Promise<Reading>[] = [];
    const asking = setInterval(() => readings.push(ask()), everyMs);
    const common = ['-c', `${connections}`, '-l', `${seconds}`, '-p', '3'];
    const before = cutOff();
    const child = spawn(binary, [...args, ...common], { stdio: 'ignore' });
    await new Promise((resolve) => child.on('close', resolve));
    clearInterval(asking);
    const readingsDone = await Promise.all(readings);
    // The log is written within a second.
    await expect.poll(() => cutOff() - before, { timeout: 5_000 }).toBeGreaterThan(connections / 4);
    return { readings: readingsDone, cut: cutOff() - before };
  };

  it.each([
    ['their fields', ['-H', '-r', '200', '-i', '1', '-x', '24', '-u', '/u/good']],
    ['their bodies', ['-B', '-r', '200', '-i', '1', '-s', '1024', '-x', '10', '-t', 'POST', '-u', '/u/good']],
    // Each of these moves 4 MiB through two processes on the same machine.
    [
      'reading their answers',
      ['-X', '-r', '30', '-n', '1', '-w', '512', '-y', '1024', '-z', '32', '-u', '/u/big'],
    ],
  ])(
    'with %s, good requests are answered within a second and the slow are cut off',
    async (what, args) => {
      const { readings, cut } = await attack(args.map((arg) => (arg.startsWith('/') ? url + arg : arg)));
      const times = readings.map(({ ms }) => ms).sort((a, b) => a - b);
      const max = times.at(-1) ?? Infinity;
      const p99 = times[Math.floor(times.length * 0.99)] ?? Infinity;
      console.info(
        `${connections} callers slow with ${what}: ${cut} cut off; ${readings.length} good requests, p99 ${p99.toFixed(0)} ms, max ${max.toFixed(0)} ms`,
      );
      expect(readings.length).toBeGreaterThan(20);
      expect(readings.filter(({ status }) => status !== 200)).toEqual([]);
      expect(max).toBeLessThan(1_000);
    },
    60_000,
  );
});

import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatusReport } from '../../src/admin/status.ts';
import { askAdminSocket } from '../support/admin-socket.ts';
import { certificate } from '../support/certificate.ts';
import { type TokenServer, tokenServer } from '../support/fixture.ts';
import { startRotating } from '../support/rotating-server.ts';
import { configFile, type Served, serve } from '../support/serve.ts';

/** Processes start slowly on a busy machine. */
const soon = { timeout: 10_000 };
const secret = 'a-client-secret-nobody-may-see';

let directory: string;
let tokens: TokenServer;
let upstream: Server;
let seen: (string | undefined)[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let served: Served[];
let agent: Agent;
let answered: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cupbearer-workers-'));
  tokens = await tokenServer('token-');
  seen = [];
  answer = (_request, response) => void response.end('ok');
  upstream = createServer((incoming, response) => {
    seen.push(incoming.headers.authorization);
    answer(incoming, response);
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  served = [];
  answered = 0;
  agent = new Agent({ connections: 40 });
});

afterEach(async () => {
  await agent.destroy();
  for (const one of served) if (one.process.exitCode === null) await one.end('SIGKILL');
  upstream.closeAllConnections();
  upstream.close();
  await tokens.close();
  rmSync(directory, { recursive: true });
});

interface Parts {
  readonly workers?: number;
  readonly server?: string;
  readonly more?: string;
  readonly env?: Record<string, string>;
}

/** Serves one route, `/u`; its credential's secret comes from the environment. */
function launch({ workers = 2, server = '', more = '', env = {} }: Parts = {}): Served {
  const listen = server.includes('listen:') ? '' : 'listen: "127.0.0.1:0", ';
  const file = configFile(
    directory,
    `
server: { ${listen}admin: "unix:${directory}/admin.sock", workers: ${workers}, ${server} }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: "\${SECRET}" } }
routes: { /u: { credential: c, upstream: "http://127.0.0.1:${(upstream.address() as AddressInfo).port}" } }
${more}
`,
  );
  const one = serve(file, { SECRET: secret, ...env });
  served.push(one);
  return one;
}

async function call(url: string, path = '/u/x'): Promise<number> {
  try {
    const { statusCode, body } = await request(url + path, { dispatcher: agent });
    await body.dump();
    answered++;
    return statusCode;
  } catch {
    return 0;
  }
}

const many = (url: string, count: number, path?: string) =>
  Promise.all(Array.from({ length: count }, () => call(url, path))).then((all) => [...new Set(all)]);

const status = async () => JSON.parse((await askAdminSocket(directory, '/api/status')).text) as StatusReport;

const pidsOf = (report: StatusReport) => (report.workers ?? []).map(({ pid }) => pid);

/** One that nobody has waited for stays in the table of processes (proc(5): state Z). */
function isAlive(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) [ZX] /.test(readFileSync(file, 'latin1'));
}

/** Whether anybody listens on a port. */
const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('connect', () => socket.destroy()).on('error', () => resolve(false));
  });

/** The lines of exchanges; each process begins their ids with letters of its own. */
function exchanges(one: Served): { id: string; status: number }[] {
  const lines = one.output().trim().split('\n');
  return lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'exchange');
}

const serving = async (count: number) =>
  expect
    .poll(async () => ((await status()).workers ?? []).filter((one) => one.state === 'serving').length, soon)
    .toBe(count);

describe('several workers', () => {
  it('serve on one port with one token call for all their first callers', async () => {
    const one = launch({ workers: 3 });
    const url = await one.url;
    tokens.answer = async (count) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { body: { access_token: `token-${count}`, expires_in: 3600 } };
    };
    expect(await many(url, 400)).toEqual([200]);
    expect(tokens.calls).toBe(1);
    expect(new Set(seen)).toEqual(new Set(['Bearer token-1']));
    expect(await one.end('SIGTERM')).toBe(0);
    const all = exchanges(one);
    expect(all).toHaveLength(400);
    expect(new Set(all.map(({ id }) => id.split('-')[0])).size).toBe(3);
  });

  it('recover from a token that the upstream no longer takes with one renewal for all', async () => {
    const url = await launch().url;
    expect(await many(url, 40)).toEqual([200]);
    let good = 'Bearer token-2';
    answer = ({ headers }, response) => {
      response.statusCode = headers.authorization === good ? 200 : 401;
      response.end();
    };
    // A token is not renewed within its first two seconds.
    await expect.poll(() => many(url, 200), soon).toEqual([200]);
    expect(tokens.calls).toBe(2);
    good = 'Bearer nobody-has-it';
    expect(await many(url, 200)).toEqual([401]);
    expect(tokens.calls).toBeLessThanOrEqual(3);
  });

  it('share a session: each single-use refresh token is spent once', async () => {
    const server = await startRotating({ lifetime: 2 });
    try {
      const more = `
  session: { provider: r, grant_type: refresh_token, client_id: ${server.client.id}, client_secret: ${server.client.secret}, refresh_token: ${server.refreshToken} }`;
      const file = configFile(
        directory,
        `
server: { listen: "127.0.0.1:0", admin: "off", workers: 3 }
providers: { r: { token: { url: "${server.tokenUrl}" } } }
credentials: ${more}
routes: { /u: { credential: session, upstream: "${server.apiUrl}" } }
`,
      );
      const one = serve(file);
      served.push(one);
      const url = await one.url;
      const end = performance.now() + 3_000;
      const statuses = new Set<number>();
      while (performance.now() < end) for (const got of await many(url, 30, '/u')) statuses.add(got);
      expect([...statuses]).toEqual([200]);
      const { refreshes, reuses, invalidGrants, replays } = server.stats;
      expect({ reuses, invalidGrants, replays }).toEqual({ reuses: 0, invalidGrants: 0, replays: 0 });
      expect(refreshes).toBeGreaterThanOrEqual(2);
      expect(refreshes).toBeLessThanOrEqual(5);
      expect(await one.end('SIGTERM')).toBe(0);
    } finally {
      await server.close();
    }
  }, 20_000);

  it('are counted together', async () => {
    const url = await launch({ workers: 3 }).url;
    await many(url, 90);
    await expect
      .poll(async () => (await status()).routes?.[0], soon)
      .toMatchObject({ route: '/u', requests: 90 });
    const report = await status();
    expect(report.workers).toHaveLength(3);
    const killed = pidsOf(report)[0] as number;
    process.kill(killed, 'SIGKILL');
    await expect.poll(async () => pidsOf(await status()), soon).not.toContain(killed);
    await serving(3);
    expect((await status()).workers?.map(({ restarts }) => restarts).sort()).toEqual([0, 0, 1]);
    expect((await status()).routes?.[0]).toMatchObject({ requests: 90 });
    // Those whose connection went to the killed one get no answer.
    await many(url, 40);
    await expect.poll(async () => (await status()).routes?.[0], soon).toMatchObject({ requests: answered });
    expect(answered).toBeGreaterThan(100);
  });

  it('are replaced when they die, without another token call', async () => {
    const one = launch();
    const url = await one.url;
    expect(await many(url, 40)).toEqual([200]);
    const before = pidsOf(await status());
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await expect
      .poll(async () => (await status()).workers?.map(({ restarts }) => restarts), soon)
      .toEqual([1, 1]);
    await serving(2);
    expect(pidsOf(await status())).not.toEqual(expect.arrayContaining(before));
    expect(await many(url, 40)).toEqual([200]);
    expect(tokens.calls).toBe(1);
    await expect.poll(() => one.output(), soon).toContain('a worker ended; another takes its place');
    const { status: code, headers } = await askAdminSocket(directory, '/readyz');
    expect([code, headers['content-type']]).toEqual([200, 'application/json']);
  });

  it('leave no caller waiting for one that was killed', async () => {
    const one = launch();
    const { port } = new URL(await one.url);
    const pid = pidsOf(await status())[0] as number;
    process.kill(pid, 'SIGSTOP');
    const sockets = Array.from({ length: 10 }, () =>
      connect(Number(port), '127.0.0.1')
        .on('error', () => {})
        .resume(),
    );
    for (const socket of sockets)
      socket.write('GET /u/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const waiting = () => sockets.filter((socket) => !socket.closed).length;
    await expect.poll(waiting, soon).toBe(1);
    process.kill(pid, 'SIGKILL');
    await expect.poll(waiting, soon).toBe(0);
  });

  it('log all that they answered before a second signal, which none outlives', async () => {
    const one = launch();
    const url = await one.url;
    const pids = pidsOf(await status());
    const pending: ServerResponse[] = [];
    answer = ({ url: path }, response) => {
      if (path === '/slow') pending.push(response);
      else response.end('ok');
    };
    void call(url, '/u/slow');
    await expect.poll(() => pending.length, soon).toBe(1);
    expect(await many(url, 30)).toEqual([200]);
    one.process.kill('SIGTERM');
    await expect.poll(() => one.output(), soon).toContain('"stopping"');
    expect(await one.end('SIGTERM')).toBe(1);
    expect(exchanges(one).filter(({ status }) => status === 200)).toHaveLength(30);
    expect(one.output().trim().split('\n').at(-1)).toContain('"cut"');
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
  });

  it('finish what is in progress on SIGTERM, and none outlives the parent', async () => {
    const one = launch();
    const url = await one.url;
    await many(url, 10);
    const pids = pidsOf(await status());
    const pending: ServerResponse[] = [];
    answer = (_request, response) => void pending.push(response);
    const late = many(url, 20);
    await expect.poll(() => pending.length, soon).toBe(20);
    const code = one.end('SIGTERM');
    await expect.poll(() => isOpen(Number(new URL(url).port)), soon).toBe(false);
    for (const response of pending) response.end('late');
    expect(await late).toEqual([200]);
    expect(await code).toBe(0);
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
    expect(exchanges(one)).toHaveLength(30);
    expect(one.output().trim().split('\n').at(-1)).toContain('"stopped"');
  });

  it('end at once with a parent that was killed', async () => {
    const one = launch();
    await one.url;
    const pids = pidsOf(await status());
    one.process.kill('SIGKILL');
    await expect.poll(() => pids.some(isAlive), soon).toBe(false);
  });

  it('stop on Ctrl+C, which signals all of them', async () => {
    const one = launch();
    const url = await one.url;
    await many(url, 4);
    for (const pid of pidsOf(await status())) process.kill(pid, 'SIGINT');
    expect(await one.end('SIGINT')).toBe(0);
  });

  it('read the keys of callers again on SIGHUP', async () => {
    const key = join(directory, 'key');
    writeFileSync(key, 'the-first-key-of-the-caller');
    const one = launch({ more: `callers: { app: { key: "\${file:${key}}" } }` });
    const url = await one.url;
    const ask = async (given: string) => {
      const all = Array.from({ length: 8 }, async () => {
        const { statusCode, body } = await request(`${url}/u/x`, {
          dispatcher: agent,
          headers: { 'x-api-key': given },
        });
        await body.dump();
        return statusCode;
      });
      return [...new Set(await Promise.all(all))];
    };
    expect(await ask('the-first-key-of-the-caller')).toEqual([200]);
    writeFileSync(key, 'the-second-key-of-the-caller');
    one.process.kill('SIGHUP');
    // Asking with a key that is not known yet would be one try too many.
    await expect.poll(() => one.output().split('"msg":"secrets changed"').length - 1, soon).toBe(2);
    expect(await ask('the-second-key-of-the-caller')).toEqual([200]);
    expect(await ask('the-first-key-of-the-caller')).toEqual([401]);
  });

  it('say why they cannot listen, and end with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const one = launch({ server: `listen: "127.0.0.1:${port}"` });
    await expect(one.url).rejects.toThrow(`127.0.0.1:${port} is in use`);
    expect(one.process.exitCode).toBe(1);
    other.close();
  });

  it('share a socket file that only its owner may use', async () => {
    const path = join(directory, 'proxy.sock');
    const mask = process.umask(0);
    const one = launch({ server: `listen: "unix:${path}"` });
    process.umask(mask);
    expect(await one.url).toBe(`unix:${path}`);
    // A process gives the mask it binds with to those it starts.
    for (const pid of [one.process.pid, ...pidsOf(await status())])
      expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Umask:\s+0077$/m);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const dispatcher = new Agent({ connect: { socketPath: path } });
    const { statusCode, body } = await request('http://localhost/u/x', { dispatcher });
    await body.dump();
    expect(statusCode).toBe(200);
    await dispatcher.close();
    expect(await one.end('SIGTERM')).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('serve TLS', async () => {
    const pem = certificate();
    try {
      const one = launch({ server: `tls: { cert: "${pem.path}", key: "${pem.keyPath}" }` });
      const url = await one.url;
      const dispatcher = new Agent({ connect: { ca: pem.cert } });
      for (let i = 0; i < 4; i++) {
        const { statusCode, body } = await request(`${url}/u/x`, { dispatcher, reset: true });
        await body.dump();
        expect(statusCode).toBe(200);
      }
      await dispatcher.close();
    } finally {
      pem.remove();
    }
  });

  it('close connections beyond server.max_connections, each its share', async () => {
    const one = launch({ server: 'max_connections: 4' });
    const { port } = new URL(await one.url);
    const open = Array.from({ length: 8 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
    const closed = () => open.filter((socket) => socket.closed).length;
    for (const socket of open) socket.resume();
    await expect.poll(closed, soon).toBeGreaterThanOrEqual(4);
    await expect.poll(() => one.output(), soon).toContain('server.max_connections is reached');
    expect(closed()).toBeLessThan(8);
    for (const socket of open) socket.destroy();
  });

  it('show no secret in arguments, environment or log', async () => {
    const one = launch();
    const url = await one.url;
    await many(url, 20);
    const pids = pidsOf(await status());
    expect(pids).toHaveLength(2);
    for (const pid of [...pids, one.process.pid as number]) {
      expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toContain(secret);
      // What a process was started with stays there for ever; workers are started without.
      if (pid !== one.process.pid)
        expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain(secret);
    }
    await one.end('SIGTERM');
    expect(one.output()).not.toMatch(new RegExp(`${secret}|token-1`));
    expect(readdirSync(directory).sort()).toEqual(['routes.yaml']);
  });
});

import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { StatusReport } from '../../src/admin/status.ts';
import { askAdminSocket } from '../support/admin-socket.ts';
import { type TokenServer, tokenServer } from '../support/fixture.ts';
import { type Served, serve } from '../support/serve.ts';

/** Processes start slowly on a busy machine. */
const soon = { timeout: 15_000 };

let directory: string;
let file: string;
let tokens: TokenServer;
let upstream: Server;
let seen: string[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let served: Served;
let agent: Agent;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cupbearer-reload-'));
  file = join(directory, 'routes.yaml');
  tokens = await tokenServer('token-');
  seen = [];
  answer = (_request, response) => void response.end('ok');
  upstream = createServer((incoming, response) => {
    seen.push(`${incoming.url} ${incoming.headers.authorization}`);
    answer(incoming, response);
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  agent = new Agent({ connections: 20 });
});

afterEach(async () => {
  await agent.destroy();
  if (served.process.exitCode === null) await served.end('SIGKILL');
  upstream.closeAllConnections();
  upstream.close();
  await tokens.close();
  rmSync(directory, { recursive: true });
});

interface Parts {
  readonly server?: string;
  /** Of the credential `a`. */
  readonly scope?: string;
  readonly b?: string;
  readonly base?: string;
  readonly routes?: string;
}

/** Routes /a and /b of two credentials at one provider. */
function write({ server = '', scope = '', b = '', base = '', routes = '' }: Parts = {}): void {
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  writeFileSync(
    `${file}.new`,
    `
server: { listen: "127.0.0.1:0", admin: "unix:${directory}/admin.sock", ${server} }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials:
  a: { provider: p, client_id: id-a, client_secret: secret-of-a-0, ${scope} }
  b: { provider: p, client_id: id-b, client_secret: secret-of-b-0, ${b} }
routes:
  /a: { credential: a, upstream: "${origin}${base}", upgrade: true }
  /b: { credential: b, upstream: "${origin}" }
  ${routes}
`,
    { mode: 0o600 },
  );
  renameSync(`${file}.new`, file);
}

async function begin(parts: Parts = {}): Promise<string> {
  write(parts);
  served = serve(file);
  return served.url;
}

async function call(url: string, path: string): Promise<number> {
  const { statusCode, body } = await request(url + path, { dispatcher: agent });
  await body.dump();
  return statusCode;
}

const admin = async (path: string) => (await askAdminSocket(directory, path)).text;

const status = async () => JSON.parse(await admin('/api/status')) as StatusReport;

/** Samples of the metrics about the configuration. */
const metrics = async () =>
  Object.fromEntries(
    [...(await admin('/metrics')).matchAll(/^cupbearer_config_(\S+) (\d+)$/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  );

const lines = (message: string) => served.output().split(`"msg":"${message}"`).length - 1;
const takenUp = (times: number) => expect.poll(() => lines('configuration taken up'), soon).toBe(times);

/** Writes and has it be taken up at once. */
async function reload(parts: Parts): Promise<void> {
  const before = lines('configuration taken up');
  write(parts);
  served.process.kill('SIGHUP');
  await takenUp(before + 1);
}

describe.each([
  ['one process', ''],
  ['two workers', 'workers: 2'],
])('a configuration that changes under %s', (_what, server) => {
  it('is taken up 50 times under load without one failed request, and unchanged credentials keep their tokens', {
    timeout: 60_000,
  }, async () => {
    const url = await begin({ server });
    let calling = true;
    let calls = 0;
    const bad: unknown[] = [];
    const caller = async (path: string) => {
      while (calling) {
        const got = await call(url, path).catch((error: unknown) => error);
        calls++;
        if (got !== 200) bad.push(got);
      }
    };
    const callers = Array.from({ length: 16 }, (_, i) => caller(i % 2 === 0 ? '/a/x' : '/b/x'));
    for (let i = 1; i <= 50; i++) {
      const routes = `/c${i}: { credential: b, upstream: "http://127.0.0.1:${(upstream.address() as AddressInfo).port}" }`;
      await reload({ server, scope: `scope: s${i}`, routes });
      // The new route is there, in every worker before long.
      await expect.poll(() => call(url, `/c${i}/x`), soon).toBe(200);
    }
    calling = false;
    await Promise.all(callers);
    expect(bad).toEqual([]);
    expect(calls).toBeGreaterThan(500);
    expect((await status()).config).toMatchObject({ reloads: 50, refusals: 0 });
    // One token for b ever; one for a of each configuration it was used in.
    const generations = async () => {
      expect(await call(url, '/a/x')).toBe(200);
      return (await status()).credentials.map(({ credential, gen }) => `${credential} ${gen}`);
    };
    await expect.poll(generations, soon).toEqual(['a 1', 'b 1']);
    expect(tokens.calls).toBeGreaterThan(20);
    expect(tokens.calls).toBeLessThanOrEqual(52);
  });

  it('and is not valid leaves the one before serving, says why, and is taken up once mended', async () => {
    const url = await begin({ server });
    expect(await call(url, '/a/x')).toBe(200);
    writeFileSync(file, 'routes: { /a: { credential: nobody } }\n');
    // Once as somebody asks for it, once as the file is looked at.
    if (server !== '') served.process.kill('SIGHUP');
    await expect
      .poll(
        () => lines('the configuration file is not taken up; the configuration before it serves on'),
        soon,
      )
      .toBe(1);
    expect(await call(url, '/a/x')).toBe(200);
    expect(await call(url, '/b/x')).toBe(200);
    const { config } = await status();
    expect(config?.refused?.problems.join('\n')).toContain('routes.yaml:1:');
    expect(await metrics()).toMatchObject({ last_reload_successful: 0 });
    write({ server, base: '/v2' });
    if (server !== '') served.process.kill('SIGHUP');
    await takenUp(1);
    await expect
      .poll(async () => [await call(url, '/a/x'), seen.at(-1)], soon)
      .toEqual([200, '/v2/x Bearer token-1']);
    expect((await status()).config?.refused).toBeUndefined();
    expect(await metrics()).toMatchObject({ last_reload_successful: 1 });
  });

  it('lets exchanges in progress end by the one they began with', async () => {
    const url = await begin({ server });
    let finish = () => {};
    answer = (_incoming, response) => {
      response.write('half');
      finish = () => void response.end(' whole');
    };
    const { body } = await request(`${url}/a/long`, { dispatcher: agent });
    await reload({ server, scope: 'scope: other', base: '/elsewhere' });
    answer = (_incoming, response) => void response.end('new');
    await expect
      .poll(async () => [await call(url, '/a/y'), seen.at(-1)?.split(' ')[0]], soon)
      .toEqual([200, '/elsewhere/y']);
    finish();
    expect(await body.text()).toBe('half whole');
  });

  it('never mixes the tokens of a credential with those of the one it has become, waited for or not', async () => {
    const url = await begin({ server });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    tokens.answer = async (_count, _request, form) => {
      const scope = new URLSearchParams(form).get('scope') ?? 'none';
      if (scope === 'none') await held;
      return { body: { access_token: `token-${scope}`, token_type: 'Bearer', expires_in: 3600 } };
    };
    const old = call(url, '/a/old');
    await expect.poll(() => tokens.calls, soon).toBe(1);
    await reload({ server, scope: 'scope: other', base: '/elsewhere' });
    await expect
      .poll(async () => [await call(url, '/a/new'), seen.at(-1)], soon)
      .toEqual([200, '/elsewhere/new Bearer token-other']);
    release();
    expect(await old).toBe(200);
    expect(seen.at(-1)).toBe('/old Bearer token-none');
    expect(await call(url, '/a/new')).toBe(200);
    expect(seen.at(-1)).toBe('/elsewhere/new Bearer token-other');
  });

  it('leaves a WebSocket open', async () => {
    const sockets = new WebSocketServer({ server: upstream });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
    const url = await begin({ server });
    const socket = new WebSocket(`${url.replace('http', 'ws')}/a/socket`);
    await once(socket, 'open');
    await reload({ server, scope: 'scope: other', base: '/elsewhere' });
    socket.send('still there?');
    const [data] = await once(socket, 'message');
    expect(String(data)).toBe('echo still there?');
    socket.terminate();
    sockets.close();
  });
});

describe('a configuration that changes', () => {
  it('changes bounds, hosts and callers of the listener that serves', async () => {
    const url = await begin();
    const named = (host: string, key?: string) =>
      request(`${url}/a/x`, { dispatcher: agent, headers: { host, ...(key && { 'x-api-key': key }) } }).then(
        async ({ statusCode, body }) => {
          await body.dump();
          return statusCode;
        },
      );
    expect([await named('sidecar.example'), await named('localhost')]).toEqual([421, 200]);
    await reload({ server: 'hosts: [sidecar.example], max_requests: 1' });
    expect(await named('sidecar.example')).toBe(200);
    let finish = () => {};
    answer = (_incoming, response) => {
      finish = () => void response.end('late');
    };
    const held = named('localhost');
    await expect.poll(() => seen.length, soon).toBe(3);
    expect(await named('localhost')).toBe(503);
    finish();
    await held;
    answer = (_incoming, response) => void response.end('ok');
    await reload({ routes: '\ncallers: { app: { key: a-key-that-is-long-enough-for-all } }' });
    expect([await named('localhost'), await named('localhost', 'a-key-that-is-long-enough-for-all')]).toEqual(
      [401, 200],
    );
  });

  it('is not looked at with --no-watch, but taken up on SIGHUP', async () => {
    write();
    served = serve(file, {}, 'unlimited', ['--no-watch']);
    const url = await served.url;
    write({ base: '/v2' });
    for (let i = 0; i < 25; i++) {
      expect(await call(url, '/a/x')).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(lines('configuration taken up')).toBe(0);
    served.process.kill('SIGHUP');
    await takenUp(1);
  });

  it('closes the connections to an upstream that no route leads to any more', async () => {
    const other = createServer((_incoming, response) => void response.end('other'));
    // Neither side ends an idle connection by itself meanwhile.
    other.keepAliveTimeout = 120_000;
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const routes = `/other: { credential: b, upstream: "http://127.0.0.1:${port}" }`;
    const url = await begin({ routes });
    expect(await call(url, '/other/x')).toBe(200);
    const open = () =>
      new Promise<number>((resolve) => other.getConnections((_error, count) => resolve(count)));
    expect(await open()).toBe(1);
    // A tunnel that has ended holds nothing back.
    const sockets = new WebSocketServer({ server: upstream });
    const socket = new WebSocket(`${url.replace('http', 'ws')}/a/socket`);
    await once(socket, 'open');
    socket.close();
    await once(socket, 'close');
    sockets.close();
    await reload({});
    await expect.poll(open, soon).toBe(0);
    expect(await call(url, '/other/x')).toBe(404);
    other.close();
  });

  it('tells no secret, neither of the old file nor of the new', async () => {
    const url = await begin();
    await call(url, '/a/x');
    await reload({ b: 'params: { note: n }', scope: 'scope: other' });
    await call(url, '/a/x');
    expect(served.output()).not.toContain('secret-of-');
    expect(served.output()).not.toContain('token-1');
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { type TokenServer, tokenServer } from '../support/fixture.ts';
import { type RawUpstream, rawUpstream } from '../support/raw.ts';
import { configFile } from '../support/serve.ts';
import { type ServedChild, serveChild } from './served.ts';

describe('S: what stands in the environment', () => {
  let directory: string;
  let tokens: TokenServer;
  let up: RawUpstream;
  let file: string;
  let serving: ServedChild | undefined;
  let trap: Server;
  let trapped: number;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-environment-'));
    tokens = await tokenServer('SENT-T');
    up = await rawUpstream();
    trapped = 0;
    trap = createServer((socket) => {
      trapped++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    file = configFile(
      directory,
      `
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { issuer: { token: { url: "${tokens.url}/token?secret=SENT-query" } } }
credentials: { one: { provider: issuer, client_id: id, client_secret: SENT-CLIENT } }
routes: { /api: { upstream: "http://127.0.0.1:${up.port}", credential: one } }
`,
    );
  });
  afterEach(async () => {
    await serving?.stop();
    serving = undefined;
    await new Promise((resolve) => trap.close(resolve));
    await tokens.close();
    await up.close();
    rmSync(directory, { recursive: true });
  });

  it('S5 sends nothing to a proxy that it names, neither requests nor token requests, and says so', async () => {
    const proxy = `http://user:SENT-proxy@127.0.0.1:${(trap.address() as { port: number }).port}`;
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
    serving = serveChild({
      env: {
        ...Object.fromEntries(names.map((name) => [name, proxy])),
        NODE_USE_ENV_PROXY: '1',
        NO_PROXY: '',
      },
      args: ['--config', file, '--log-format', 'json'],
    });
    const { statusCode, body } = await request(`${await serving.address('url')}/api/x`);
    await body.dump();
    expect(statusCode).toBe(200);
    expect(tokens.calls).toBe(1);
    expect(up.requests).toHaveLength(1);
    expect(trapped).toBe(0);
    expect(serving.output()).toMatch(
      /"names":"HTTP_PROXY, http_proxy,.*proxies of the environment are not used/,
    );
    expect(serving.output()).not.toMatch(/SENT-/);
  });

  it.each([
    [
      'NODE_TLS_REJECT_UNAUTHORIZED',
      '0',
      /NODE_TLS_REJECT_UNAUTHORIZED=0 .* unset it, and name .* in tls\.ca/,
    ],
    ['NODE_DEBUG', 'net,undici', /NODE_DEBUG with undici prints the URLs of all requests/],
    ['NODE_DEBUG', 'fetch', /NODE_DEBUG with fetch prints/],
    ['NODE_DEBUG', 'f*', /NODE_DEBUG with fetch prints/],
  ])(
    'S5 is refused with %s=%s by every command that sends secrets, before it sends any',
    async (name, value, why) => {
      const refused = async (...args: string[]) => {
        const { code, out, err } = await runCommand([...args, '--config', file], { [name]: value }).ended;
        expect([args, code, out]).toEqual([args, 2, '']);
        expect(err).toMatch(why);
        expect(err).not.toMatch(/SENT-/);
      };
      await Promise.all([
        refused('serve'),
        refused('token', 'one'),
        refused('revoke', 'one'),
        refused('login', 'one'),
      ]);
      const { code, err } = await runCommand(['check', '--config', file], { [name]: value }).ended;
      expect(code).toBe(0);
      expect(err).toMatch(why);
      expect(tokens.calls).toBe(0);
    },
  );

  it.each([
    ['NODE_TLS_REJECT_UNAUTHORIZED', '1'],
    ['NODE_DEBUG', 'cluster'],
  ])('S5 is no hindrance with %s=%s', async (name, value) => {
    serving = serveChild({ env: { [name]: value }, args: ['--config', file, '--log-format', 'json'] });
    const { statusCode, body } = await request(`${await serving.address('url')}/api/x`);
    await body.dump();
    expect(statusCode).toBe(200);
  });

  it.each(['http,https,net,tls,stream,timer,url,http2'])(
    'S5 prints no secret with the NODE_DEBUG that is let through: %s',
    async (NODE_DEBUG) => {
      serving = serveChild({ env: { NODE_DEBUG }, args: ['--config', file, '--log-format', 'json'] });
      const { statusCode, body } = await request(`${await serving.address('url')}/api/x`, {
        method: 'POST',
        body: 'x',
      });
      await body.dump();
      expect(statusCode).toBe(200);
      await serving.stop();
      expect(serving.output()).toMatch(/^HTTP \d+:/m);
      expect(serving.output()).not.toMatch(/SENT-/);
    },
  );

  it('S5 is told of when options of Node can show secrets', async () => {
    serving = serveChild({
      env: { NODE_OPTIONS: `--trace-tls --tls-keylog=${join(directory, 'SENT-keys')}` },
      args: ['--config', file, '--log-format', 'json'],
    });
    await serving.said(/listening/);
    expect(serving.output()).toMatch(
      /"names":"--trace-tls, --tls-keylog","msg":"Node was started with options/,
    );
    expect(serving.output()).not.toMatch(/SENT-/);
  });

  it('S9 an answer of our own never has the credential, not even after one was sent', async () => {
    const broken = await rawUpstream(({ fields }) => `HTTP/1.1 ${fields.flat().join('|')}\r\n\r\n`);
    const other = configFile(
      directory,
      readFileSync(file, 'utf8').replace(`:${up.port}`, `:${broken.port}`),
      'other.yaml',
    );
    serving = serveChild({ args: ['--config', other, '--log-level', 'trace', '--log-format', 'json'] });
    const { statusCode, headers, body } = await request(`${await serving.address('url')}/api/x`);
    expect(statusCode).toBe(502);
    expect(broken.bytes()).toContain('SENT-T1');
    expect(JSON.stringify(headers) + (await body.text())).not.toMatch(/SENT-|authorization/i);
    await serving.stop();
    expect(serving.output()).not.toMatch(/SENT-/);
    await broken.close();
  });
});

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { disguises } from '../support/encodings.ts';
import { type RawUpstream, rawRequest, rawUpstream } from '../support/raw.ts';
import { configFile } from '../support/serve.ts';
import { answer, startTokenEndpoint, type TokenCall, type TokenEndpoint } from '../support/token-endpoint.ts';
import { type ServedChild, serveChild } from './served.ts';

/** What each encoding writes in another way. */
const odd = (name: string) => `SENT-${name}/+ "é&%41\\${randomBytes(6).toString('base64')}`;
/** What may stand in a field. */
const plain = (name: string) => `SENT-${name}.${randomBytes(12).toString('base64')}+/=`;

/** How a token endpoint may show what it was sent. */
const echoes: Readonly<Record<string, (call: TokenCall, secret: string) => unknown>> = {
  raw: (call, secret) => ({
    error: secret,
    error_description: call.headers.authorization,
    request_id: secret,
  }),
  word: () => ({ error: wordSecret, request_id: wordSecret }),
  base64: () => ({ error: Buffer.from(`id:${wordSecret}`).toString('base64'), code: 5 }),
  base64url: () => ({ error: Buffer.from(`x${wordSecret}`).toString('base64url') }),
  hex: () => ({ error: Buffer.from(wordSecret).toString('hex') }),
  percent: () => ({ error: wordSecret.replaceAll('-', '%2d') }),
  everything: (call) => ({ error: { ...call }, message: JSON.stringify(call.headers) }),
  text: (call) => `${JSON.stringify(call)}\n${call.body}`,
  status: (call) => ({ status: 500, body: call }),
  odd: (call) => ({ access_token: 7, token_type: call.headers.authorization, expires_in: call.body }),
};
/** Short enough for an error code, even in hex. */
const wordSecret = 'SENT-word-secret';

describe('L: secrets and logs', () => {
  let directory: string;
  let tokens: TokenEndpoint;
  let up: RawUpstream;
  let serving: ServedChild | undefined;
  let secrets: Record<string, string>;
  let issued: string[];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-secrets-'));
    issued = [];
    secrets = {
      CLIENT: odd('client'),
      QUERY: odd('query'),
      PASSWORD: odd('password'),
      SEED: plain('seed'),
      CALLER: plain('caller'),
      STORE_KEY: randomBytes(32).toString('base64'),
    };
    tokens = await startTokenEndpoint((_count, call) => {
      const token = plain('token');
      const refresh = plain('refresh');
      const echo = echoes[new URL(call.url, 'http://x').pathname.slice(1)];
      if (echo !== undefined) {
        const body = echo(call, secrets.CLIENT ?? '');
        return { status: 400, ...(typeof body === 'string' ? { raw: body } : { json: body }) };
      }
      issued.push(token, refresh);
      return {
        json: answer(token, 3600, call.body.includes('refresh_token') ? { refresh_token: refresh } : {}),
      };
    });
    let refused: string | undefined;
    up = await rawUpstream(({ method, target, fields, body, socket }) => {
      const head = `${method} ${target}\r\n${fields.map((field) => field.join(': ')).join('\r\n')}\r\n\r\n${body}`;
      const length = Buffer.byteLength(head, 'latin1');
      if (target.includes('401')) {
        const sent = fields.find(([name]) => name === 'Authorization')?.[1];
        refused ??= sent;
        if (sent === refused) return 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n';
      }
      if (target.includes('bad-head')) return Buffer.from(`HTTP/1.1 200 OK\r\nX ${head}`, 'latin1');
      if (target.includes('bad-status')) return Buffer.from(`HTTP/1.1 ${head}`, 'latin1');
      if (target.includes('short')) {
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
        return undefined;
      }
      return Buffer.from(
        `HTTP/1.1 200 OK\r\nX-Echo: ${target}\r\nContent-Length: ${length}\r\n\r\n${head}`,
        'latin1',
      );
    });
  });
  afterEach(async () => {
    await serving?.stop();
    serving = undefined;
    await tokens.close();
    await up.close();
    rmSync(directory, { recursive: true });
  });

  /** Every credential of a kind of its own, and one for each way to echo. */
  function config(extra = ''): string {
    const base = new URL(tokens.url).origin;
    const credential = (name: string, more: string) =>
      `  ${name}: { provider: ${name}, client_id: id, ${more} }\n`;
    const echoNames = Object.keys(echoes);
    return configFile(
      directory,
      `
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
store: { url: "sqlite:${directory}/sessions/sessions.db", key: "\${STORE_KEY}" }
callers: { app: { key: "\${CALLER}" } }
providers:
  basic: { token: { url: "${base}/token" } }
  query: { token: { url: "${base}/query-token", encoding: query, client_auth: client_secret_post } }
  login: { token: { url: "${base}/token", client_auth: client_secret_post } }
  session: { token: { url: "${base}/token", encoding: json, client_auth: client_secret_post } }
${echoNames.map((name) => `  e-${name}: { token: { url: "${base}/${name}" } }\n`).join('')}
credentials:
${credential('basic', 'client_secret: "${CLIENT}"')}
${credential('query', 'client_secret: "${QUERY}"')}
${credential('login', 'client_secret: "${CLIENT}", grant_type: password, username: me, password: "${PASSWORD}"')}
${credential('session', 'client_secret: "${CLIENT}", grant_type: refresh_token, refresh_token: "${SEED}"')}
${echoNames.map((name) => credential(`e-${name}`, `client_secret: ["\${CLIENT}", ${wordSecret}]`)).join('')}
routes:
${['basic', 'query', 'login', 'session', ...echoNames.map((name) => `e-${name}`)]
  .map((name) => `  /${name}: { upstream: "http://127.0.0.1:${up.port}", credential: ${name} }\n`)
  .join('')}
${extra}`,
    );
  }

  const all = () => [...Object.values(secrets), wordSecret, ...issued];
  const shown = (text: string) =>
    all().filter((secret) => disguises(secret).some((one) => text.includes(one)));

  it.each(['json', 'pretty'])(
    'L1 shows no secret in any encoding at trace level, whatever happens, as %s',
    async (format) => {
      const args = ['--config', config(), '--log-level', 'trace', '--log-format', format];
      serving = serveChild({ env: secrets, args });
      const port = Number(new URL(await serving.address('url')).port);
      const admin = await serving.address('admin');
      const key = `X-Api-Key: ${secrets.CALLER}`;
      const send = (line: string, ...fields: string[]) =>
        rawRequest(
          port,
          `${line} HTTP/1.1\r\n${['Host: localhost', 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`,
        );
      const own: string[] = [];
      for (const name of ['basic', 'query', 'login', 'session']) {
        const answered = await send(`GET /${name}/x?key=${encodeURIComponent(secrets.CALLER ?? '')}`, key);
        expect([name, answered.status], answered.text + serving.output()).toEqual([name, 200]);
        expect(answered.text).toContain('SENT-token');
      }
      // A token younger than two seconds is not renewed.
      await expect
        .poll(async () => (await send('GET /basic/401', key)).status, { timeout: 10_000, interval: 300 })
        .toBe(200);
      for (const path of ['bad-head', 'bad-status', 'short']) await send(`GET /login/${path}`, key);
      for (const name of Object.keys(echoes)) {
        const refused = await send(`POST /e-${name}/x`, key, 'Content-Length: 0');
        expect(refused.status).toBeGreaterThan(500);
        own.push(refused.text);
      }
      own.push((await send('GET /basic/x', `X-Api-Key: ${secrets.CLIENT?.slice(0, 12)}`)).text);
      own.push((await send('GET /basic/x')).text);
      await rawRequest(
        port,
        `GET /basic/${secrets.SEED} HTTP/1.1\r\nHost: ${secrets.SEED}\r\nX A: ${secrets.SEED}\r\n\r\n`,
      );
      await rawRequest(port, `${secrets.SEED} / HTTP/1.1\r\nHost: localhost\r\n${key}\r\n\r\n`);
      for (const path of ['/', '/livez', '/readyz', '/metrics', '/api/status', '/login', '/nowhere']) {
        const { body } = await request(admin + path, { headers: { 'x-cupbearer': '1' } });
        own.push(await body.text());
      }
      serving.child.kill('SIGHUP');
      await serving.said(/secrets again/);
      expect((await send('GET /basic/x', key)).status).toBe(200);
      expect(await serving.stop()).toBe(0);
      expect(serving.output()).toMatch(format === 'json' ? /exchange/ : / 200 .* ms /);
      expect(serving.output()).toMatch(/stopped/);
      expect(shown(serving.output())).toEqual([]);
      expect(shown(own.join('\n'))).toEqual([]);
    },
    60_000,
  );

  /** What a tenant is called is the caller's to say, and is logged. */
  const tenants = (upstream: string) => `
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { issuer: { token: { url: "${tokens.url}" } } }
credentials: { one: { provider: issuer, client_id: id, client_secret: "\${CLIENT}", params: { t: "{tenant}" }, tenant: { header: X-Tenant } } }
routes: { /one: { upstream: "${upstream}", credential: one } }
`;

  it.each(['json', 'pretty'])(
    'L1 takes a live secret out of what is meant to be logged, as %s',
    async (format) => {
      const CLIENT = 'SENT-bot:token';
      const file = configFile(directory, tenants(`http://127.0.0.1:${up.port}/bot\${CLIENT}`));
      serving = serveChild({ env: { CLIENT }, args: ['--config', file, '--log-format', format] });
      const url = await serving.address('url');
      const call = async (tenant: string) => {
        const { statusCode, body } = await request(`${url}/one/x`, { headers: { 'x-tenant': tenant } });
        await body.dump();
        return statusCode;
      };
      expect(await call('first')).toBe(200);
      const [token = ''] = issued;
      for (const tenant of [token, encodeURIComponent(token), btoa(`id:${CLIENT}`)]) {
        expect(await call(tenant)).toBe(200);
      }
      await serving.stop();
      expect(serving.output()).toMatch(/bot\[secret\]/);
      expect(serving.output()).toMatch(/tenant\S+first/);
      expect(serving.output().match(/\[secret\]/g)).toHaveLength(4);
      for (const secret of [token, CLIENT]) {
        expect(disguises(secret).filter((one) => serving?.output().includes(one))).toEqual([]);
      }
    },
  );

  it.each(['json', 'pretty'])(
    'L4 writes one line for each request without control characters, whatever a caller sends, as %s',
    async (format) => {
      const file = configFile(directory, tenants(`http://127.0.0.1:${up.port}`));
      serving = serveChild({
        env: { CLIENT: 'SENT-client' },
        args: ['--config', file, '--log-format', format],
      });
      const port = Number(new URL(await serving.address('url')).port);
      const evil = '\x1b[31m{"level":"error","msg":"forged"}\x9b2J%0d%0a';
      const heads = [
        `GET /one/${evil} HTTP/1.1\r\nHost: localhost\r\nX-Tenant: t`,
        `GET /one/x HTTP/1.1\r\nHost: localhost\r\nX-Tenant: t\r\nUser-Agent: ${evil}`,
        `GET /one/x HTTP/1.1\r\nHost: ${evil}`,
        `GET /one/x HTTP/1.1\r\nHost: localhost\r\nX-Tenant: ${evil}`,
        'GET /one/x HTTP/1.1\r\nHost: localhost\r\nX-Tenant: {"level":"error","msg":"forged"}\\n',
      ];
      for (const head of heads) {
        const bytes = Buffer.from(`${head}\r\nConnection: close\r\n\r\n`, 'latin1');
        expect((await rawRequest(port, bytes)).status).toBeGreaterThan(0);
      }
      await serving.stop();
      const lines = serving.output().trimEnd().split('\n');
      const isExchange = (line: string) =>
        format === 'json' ? JSON.parse(line).msg === 'exchange' : / ms( |$)/.test(line);
      expect(lines.filter(isExchange).length).toBeGreaterThanOrEqual(3);
      for (const line of lines) {
        expect(line.replace(/\x1b\[\d{1,2}m/g, '')).not.toMatch(/\p{C}|2J/u);
        if (format === 'json') expect(line).not.toMatch(/\x1b/);
        else expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} (?:info|warn)/);
      }
    },
  );

  const thrown = ['error', 'nested', 'aggregate', 'undici', 'text', 'object', 'rejection', 'hostile'];

  describe.each(thrown)('L3 an error that nobody caught: %s', (kind) => {
    it.each(['json', 'pretty'])('ends the process with one line as %s, without a secret', async (format) => {
      const reports = join(directory, 'reports');
      mkdirSync(reports);
      serving = serveChild({
        env: {
          ...secrets,
          THROWN: kind,
          SECRET: 'SENT-thrown-secret',
          NODE_OPTIONS: `--report-uncaught-exception --report-directory=${reports}`,
        },
        node: ['--import', join(import.meta.dirname, '../faults/throwing-child.ts')],
        args: ['--config', config(), '--log-level', 'trace', '--log-format', format],
      });
      await serving.said(/listening/);
      serving.child.kill('SIGWINCH');
      expect(await serving.ended).toBe(1);
      const lines = serving
        .output()
        .split('\n')
        .filter((line) => line.includes('crashed'));
      expect(lines).toHaveLength(1);
      expect(serving.output()).not.toMatch(/SENT-/);
      expect(shown(serving.output())).toEqual([]);
      // L6
      const written = readdirSync(reports).map((name) => readFileSync(join(reports, name), 'utf8'));
      expect(written.join('\n')).not.toMatch(/SENT-thrown/);
      expect(shown(written.join('\n'))).toEqual([]);
      if (format === 'json' && kind === 'nested') {
        expect(JSON.parse(lines[0]!)).toMatchObject({
          level: 'error',
          msg: 'crashed',
          error: 'TypeError',
          code: 'ERR_INVALID_ARG_TYPE',
          causes: 'Error ECONNRESET, Error',
        });
      }
    });
  });

  it('L6 has no secret in a report that is asked for: they have left the environment, which is left out', async () => {
    serving = serveChild({
      env: { ...secrets, OTHER: 'stays' },
      node: ['--report-on-signal', `--report-directory=${directory}`, '--report-filename=report.json'],
      args: ['--config', config(), '--log-format', 'json'],
    });
    await serving.said(/listening/);
    serving.child.kill('SIGUSR2');
    const report = join(directory, 'report.json');
    await expect
      .poll(() => statSync(report, { throwIfNoEntry: false })?.size ?? 0, { timeout: 10_000 })
      .toBeGreaterThan(1_000);
    const text = readFileSync(report, 'utf8');
    expect(text).toContain('"javascriptHeap"');
    expect(text).not.toContain('environmentVariables');
    expect(shown(text)).toEqual([]);
  });

  it('L6 takes every variable that fed a secret out of the environment, and no other, and reads it again from its copy', async () => {
    const extra = `  /field: { upstream: "http://127.0.0.1:${up.port}", credential: basic, headers: { set: { X-Key: "\${FIELD}" } } }`;
    serving = serveChild({
      env: { ...secrets, OTHER: 'stays', FIELD: 'SENT-field' },
      node: ['--import', join(import.meta.dirname, '../faults/environment-child.ts')],
      args: ['--config', config(extra), '--log-format', 'json'],
    });
    await serving.said(/listening/);
    serving.child.kill('SIGWINCH');
    await serving.said(/environment: /);
    const names = /environment: (.*)/.exec(serving.output())?.[1]?.split(' ');
    expect(names).toContain('OTHER');
    expect(names).toContain('PATH');
    for (const name of [...Object.keys(secrets), 'FIELD']) expect(names).not.toContain(name);
    serving.child.kill('SIGHUP');
    await serving.said(/secrets again/);
    const key = secrets.CALLER ?? '';
    const { statusCode, body } = await request(`${await serving.address('url')}/basic/x`, {
      headers: { 'x-api-key': key },
    });
    await body.dump();
    expect(statusCode).toBe(200);
    expect(serving.output()).not.toContain('could not be read again');
  });

  it.each(['SIGUSR1', 'SIGUSR2'] as const)(
    'L7 opens no inspector on %s, and goes on serving',
    async (signal) => {
      serving = serveChild({
        env: { ...secrets, NODE_OPTIONS: '--inspect-port=0' },
        args: ['--config', config(), '--log-format', 'json'],
      });
      const url = await serving.address('url');
      for (let n = 0; n < 3; n++) serving.child.kill(signal);
      serving.child.kill('SIGHUP');
      await serving.said(/secrets again/);
      const { statusCode, body } = await request(`${url}/basic/x`, {
        headers: { 'x-api-key': secrets.CALLER ?? '' },
      });
      await body.dump();
      expect(statusCode).toBe(200);
      expect(serving.output()).not.toMatch(/Debugger/);
      expect(await serving.stop()).toBe(0);
    },
  );

  it('L7 does not end on SIGHUP while it is still starting', async () => {
    const silent = await rawUpstream(() => undefined);
    const file = config();
    const text = readFileSync(file, 'utf8').replace(
      /url: "sqlite:[^"]*"/,
      `url: "redis://127.0.0.1:${silent.port}/0"`,
    );
    writeFileSync(file, text);
    serving = serveChild({
      env: { ...secrets, HTTP_PROXY: 'http://127.0.0.1:1' },
      args: ['--config', file, '--log-format', 'pretty'],
    });
    await serving.said(/proxies of the environment/);
    serving.child.kill('SIGHUP');
    await serving.said(/secrets again/);
    expect(await serving.stop()).toBe(0);
    expect(shown(serving.output())).toEqual([]);
    await silent.close();
  });

  it.each(['SIGUSR1', 'SIGUSR2'] as const)(
    'L7 opens no inspector on %s in any other command',
    async (signal) => {
      const asked = Promise.withResolvers<void>();
      const signalled = Promise.withResolvers<void>();
      tokens.script = async () => {
        asked.resolve();
        await signalled.promise;
        return { json: answer('SENT-token', 3600) };
      };
      const env = { ...secrets, NODE_OPTIONS: '--inspect-port=0' };
      const { child, ended } = runCommand(['token', 'basic', '--config', config()], env);
      await asked.promise;
      for (let n = 0; n < 3; n++) child.kill(signal);
      // As long as an inspector would take to open.
      setTimeout(signalled.resolve, 300);
      const { code, out, err } = await ended;
      expect([code, out]).toEqual([0, 'SENT-token\n']);
      expect(err).not.toMatch(/Debugger/);
    },
  );

  it('L3 tells of an error that ends another command without a secret', async () => {
    let wasAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      wasAsked = resolve;
    });
    tokens.script = () => {
      wasAsked();
      return { silent: true };
    };
    const throwing = join(import.meta.dirname, '../faults/throwing-child.ts');
    const env = { ...secrets, THROWN: 'nested', SECRET: 'SENT-thrown', NODE_OPTIONS: `--import=${throwing}` };
    const { child, ended } = runCommand(['token', 'basic', '--config', config()], env);
    await asked;
    child.kill('SIGWINCH');
    const { code, out, err } = await ended;
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(
      /^cupbearer: unexpected: TypeError ERR_INVALID_ARG_TYPE \(Error ECONNRESET, Error\)(?: at node:\S+)?\n$/,
    );
  });

  it('L9 warns of a configuration that others may read when secrets are written in it, and of no other', async () => {
    const file = config();
    chmodSync(file, 0o644);
    serving = serveChild({ env: secrets, args: ['--config', file, '--log-format', 'json'] });
    await serving.said(/listening/);
    expect(serving.output()).toMatch(
      /warning: others may read this file, and secrets are written in it; run: chmod o-r/,
    );
    await serving.stop();
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(wordSecret, '"${CLIENT}"'));
    serving = serveChild({ env: secrets, args: ['--config', file, '--log-format', 'json'] });
    await serving.said(/listening/);
    expect(serving.output()).not.toMatch(/others may read/);
  });
});

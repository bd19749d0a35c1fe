import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadFile } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';
import { openStore } from '../../src/store/open.ts';
import type { Session } from '../../src/store/session.ts';
import { type RunningCommand, runCommand } from '../support/command.ts';
import { type DeviceServer, startDeviceServer } from '../support/device-server.ts';
import { type Issuer, startIssuer } from '../support/issuer.ts';
import { answer, startTokenEndpoint } from '../support/token-endpoint.ts';
import { cupbearer } from './config-file.ts';

const env = { KEY: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=' };

describe('cupbearer login', () => {
  let issuer: Issuer;
  let device: DeviceServer;
  let directory: string;
  let file: string;
  let commands: RunningCommand[];

  beforeAll(async () => {
    issuer = await startIssuer();
    device = await startDeviceServer({ interval: 0.1 });
  });
  afterAll(async () => {
    await issuer.close();
    await device.close();
  });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-login-'));
    issuer.tokenCalls.length = 0;
    commands = [];
    configure();
  });
  afterEach(() => {
    for (const { child } of commands) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  function configure(store = `url: "sqlite:${directory}/sessions.db", key: "\${KEY}"`, admin = 'off'): void {
    file = join(directory, 'routes.yaml');
    writeFileSync(
      file,
      `
server: { admin: "${admin}" }
store: { ${store} }
providers:
  issuer:
    token: { url: "${issuer.url}/token", client_auth: none }
    authorize: { url: "${issuer.url}/auth", issuer: "${issuer.url}", params: { prompt: consent } }
  device:
    token: { url: "${device.tokenUrl}", client_auth: none }
    device_authorization: { url: "${device.deviceUrl}" }
  both: { extends: device, authorize: { url: "${issuer.url}/auth" } }
credentials:
  person: { provider: issuer, grant_type: authorization_code, client_id: desk, scope: openid offline_access }
  tenants: { provider: issuer, grant_type: authorization_code, client_id: desk, scope: openid, tenant: { header: X-Tenant } }
  pasted: { provider: issuer, grant_type: authorization_code, client_id: desk, redirect_uri: "https://app.example/done" }
  named: { provider: issuer, grant_type: authorization_code, client_id: desk, redirect_uri: "http://127.0.0.1:4711/callback" }
  tv: { provider: device, grant_type: "urn:ietf:params:oauth:grant-type:device_code", client_id: device-client }
  choice: { provider: both, grant_type: authorization_code, client_id: device-client }
  machine: { provider: issuer, client_id: machine }
routes:
${['person', 'tenants', 'pasted', 'named', 'tv', 'choice', 'machine']
  .map((name) => `  /${name}: { upstream: "${issuer.url}", credential: ${name} }`)
  .join('\n')}
`,
    );
  }

  function login(...args: string[]): RunningCommand {
    const command = runCommand(['login', '-c', file, ...args], env);
    commands.push(command);
    return command;
  }

  const address = async (command: RunningCommand) => (await command.said(/^https?:\S+$/m)).trim();

  async function stored(credential: string, tenant?: string): Promise<Session | undefined> {
    const { config } = loadFile(file, { env, presets });
    if (config === undefined) throw new Error('no configuration');
    const store = await openStore(config.store, { now: () => Date.now() });
    try {
      return await store.load({ credential, tenant });
    } finally {
      await store.close();
    }
  }

  /** A GET with a Host of our choice. */
  function get(
    url: string,
    host?: string,
    method = 'GET',
  ): Promise<{ status: number; body: string; headers: object }> {
    return new Promise((resolve, reject) => {
      const options = { method, agent: false as const, headers: host === undefined ? {} : { host } };
      const sent = request(url, options, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers });
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  it('stores a session and says what it is, but no token', async () => {
    const command = login('person');
    const back = await issuer.approve(await address(command));
    expect(back).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback\?/);
    const page = await get(back);
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining('You can close this window') });
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });

    const { code, out, err } = await command.ended;
    expect(code).toBe(0);
    expect(out.split('\n').slice(1).join('\n')).toBe(`
Logged in.
  credential    person
  access token  lives 10 min
  renewal       by a refresh token
  store         SQLite, ${directory}/sessions.db
`);
    expect(err).toMatch(/^Log in here:\n\n\nWaiting for the browser to come back to http:\/\/127/);
    const session = await stored('person');
    expect(session?.token?.lifetimeMs).toBe(600_000);
    for (const secret of [
      session?.refresh_token,
      session?.token?.value,
      issuer.tokenCalls[0]?.params.code_verifier,
    ])
      expect(out + err).not.toContain(String(secret));
    await expect(get(back)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('opens a browser that has no variable with a secret', async () => {
    const browser = join(directory, 'browser');
    const seen = join(directory, 'seen');
    writeFileSync(browser, `#!/bin/sh\nenv > ${seen}.part && mv ${seen}.part ${seen}\n`, { mode: 0o755 });
    const terminal = '--import=data:text/javascript,process.stdout.isTTY=true';
    const given = { ...env, NODE_OPTIONS: terminal, BROWSER: browser, OTHER: 'stays' };
    commands.push(runCommand(['login', '-c', file, 'person'], given));
    await expect.poll(() => existsSync(seen), { timeout: 10_000 }).toBe(true);
    const environment = readFileSync(seen, 'utf8');
    expect(environment).toMatch(/^OTHER=stays$/m);
    expect(environment).not.toContain(env.KEY);
  });

  it('stores the session of a tenant', async () => {
    const command = login('tenants', '--tenant', 'north');
    await get(await issuer.approve(await address(command)));
    expect(await command.ended).toMatchObject({ code: 0, out: expect.stringMatching(/tenant +north\n/) });
    expect(await stored('tenants', 'north')).toBeDefined();
    expect(await stored('tenants')).toBeUndefined();
  });

  it('answers nothing but the redirect of this login, and goes on waiting', async () => {
    const command = login('person');
    const back = await issuer.approve(await address(command));
    const { origin, searchParams } = new URL(back);
    const port = origin.split(':')[2];
    const state = searchParams.get('state');
    expect(await get(`${origin}/`)).toMatchObject({ status: 404, body: '' });
    expect(await get(`${origin}/callback/`)).toMatchObject({ status: 404 });
    expect(await get(back, undefined, 'POST')).toMatchObject({ status: 405, body: '' });
    expect(await get(back, undefined, 'HEAD')).toMatchObject({ status: 405 });
    expect(await get(back, `evil.example:${port}`)).toMatchObject({ status: 421, body: '' });
    expect(await get(back, '127.0.0.1.evil.example')).toMatchObject({ status: 421 });
    expect(await get(`${origin}/callback`)).toMatchObject({ status: 400 });
    expect(await get(back.replace(/state=[^&]*/, 'state=x'))).toMatchObject({ status: 400 });
    expect(await get(`${back}&state=${state}`)).toMatchObject({ status: 400 });
    expect(await get(`${origin}/callback?error=access_denied&state=x`)).toMatchObject({ status: 400 });
    expect(issuer.tokenCalls).toEqual([]);
    expect(await get(back, `localhost:${port}`)).toMatchObject({ status: 200 });
    expect((await command.ended).code).toBe(0);
  });

  it('spends a code once, however often the redirect comes', async () => {
    const command = login('person');
    const back = await issuer.approve(await address(command));
    const replies = await Promise.allSettled([get(back), get(back), get(back)]);
    const good = replies.filter((one) => one.status === 'fulfilled' && one.value.status === 200);
    expect(good).toHaveLength(1);
    expect((await command.ended).code).toBe(0);
    expect(issuer.tokenCalls).toHaveLength(1);
  });

  it('tells what went wrong, in the browser and here', async () => {
    const command = login('person');
    const { searchParams } = new URL(await address(command));
    const evil = encodeURIComponent('<b>\u001b[31mno\n');
    const query = `error=access_denied&error_description=${evil}&state=${searchParams.get('state')}&iss=${encodeURIComponent(issuer.url)}`;
    const page = await get(`${searchParams.get('redirect_uri')}?${query}`);
    expect(page).toMatchObject({ status: 403, body: expect.stringContaining('It says: &lt;b&gt; [31mno') });
    const { code, err } = await command.ended;
    expect(code).toBe(1);
    expect(err).toMatch(
      /\ncupbearer: the provider refused the login \(access_denied\): .* It says: <b> \[31mno\n$/,
    );
    expect(await stored('person')).toBeUndefined();
  });

  it('listens on the port it is told to, and says so when that is taken', async () => {
    const server = await occupied();
    const { port } = server.address() as AddressInfo;
    const { code, err } = await login('person', '--port', String(port)).ended;
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/another program listens there\); choose another --port/),
    });
    await new Promise((resolve) => server.close(resolve));
    const command = login('person', '--port', String(port));
    expect(new URL(await address(command)).searchParams.get('redirect_uri')).toBe(
      `http://127.0.0.1:${port}/callback`,
    );
  });

  it("says which redirect_uri's port is taken", async () => {
    const server = await occupied();
    const { port } = server.address() as AddressInfo;
    writeFileSync(file, readFileSync(file, 'utf8').replace(':4711/', `:${port}/`));
    const { code, err } = await login('named').ended;
    await new Promise((resolve) => server.close(resolve));
    expect({ code, err }).toEqual({
      code: 1,
      err: `cupbearer: cannot listen for the login to come back at http://127.0.0.1:${port}/callback, the credential's redirect_uri (another program listens there); free its port, or use --paste\n`,
    });
  });

  it('asks again for an address that is not the right one', async () => {
    const command = login('pasted');
    const url = await address(command);
    const { searchParams } = new URL(url);
    const right = `https://app.example/done?error=access_denied&state=${searchParams.get('state')}&iss=${encodeURIComponent(issuer.url)}`;
    command.child.stdin?.write(`what?\n${url}\n`);
    command.child.stdin?.write(`${right}\n`);
    const { code, err } = await command.ended;
    expect(code).toBe(1);
    expect(err.match(/Paste it again/g)).toHaveLength(2);
    expect(err).toMatch(/cupbearer: the provider refused the login \(access_denied\)/);
  });

  it('asks for an address three times at most', async () => {
    const command = login('pasted');
    await address(command);
    command.child.stdin?.write('a\nb\nc\n');
    const { code, err } = await command.ended;
    expect(code).toBe(1);
    expect(err.match(/Paste it again/g)).toHaveLength(2);
    expect(err).toMatch(/cupbearer: that is not the address .*\n$/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends at %s while nobody has logged in', async (signal) => {
    for (const args of [['person'], ['pasted'], ['tv']]) {
      const command = login(...args);
      await address(command);
      command.child.kill(signal);
      expect(await command.ended).toMatchObject({
        code: 1,
        err: expect.stringMatching(/\ncupbearer: interrupted before anybody had logged in\n$/),
      });
    }
  });

  it('finishes at Ctrl+C what cannot be begun again: the exchange of the code', async () => {
    const gate = Promise.withResolvers<void>();
    const token = await startTokenEndpoint(async () => {
      await gate.promise;
      return { json: answer('t', 3600, { refresh_token: 'r' }) };
    });
    try {
      writeFileSync(file, readFileSync(file, 'utf8').replace(`${issuer.url}/token`, token.url));
      const command = login('person');
      const page = get(await issuer.approve(await address(command)));
      await expect.poll(() => token.calls.length).toBe(1);
      command.child.kill('SIGINT');
      await expect.poll(() => command.err()).toContain('Finishing the login; once more gives it up');
      gate.resolve();
      expect(await page).toMatchObject({ status: 200 });
      expect(await command.ended).toMatchObject({ code: 0, out: expect.stringContaining('Logged in.') });
      expect(await stored('person')).toMatchObject({ refresh_token: 'r' });
    } finally {
      await token.close();
    }
  });

  it('reads the address that the browser ended at', async () => {
    const command = login('person', '--paste');
    const back = await issuer.approve(await address(command));
    expect(back).toMatch(/^http:\/\/127\.0\.0\.1\/callback\?/);
    command.child.stdin?.write(` ${back}\r\n`);
    expect(await command.ended).toMatchObject({ code: 0, out: expect.stringContaining('Logged in.') });
  });

  it.each([
    ['of another login', (back: string) => back.replace(/state=[^&]*/, 'state=x'), 'its state is another'],
    ['without anything', () => 'https://app.example/done', 'it has no ?'],
  ])('refuses a pasted address %s', async (_, change, why) => {
    const command = login('pasted');
    const { searchParams } = new URL(await address(command));
    expect(searchParams.get('redirect_uri')).toBe('https://app.example/done');
    command.child.stdin?.end(
      `${change(`https://app.example/done?code=x&state=${searchParams.get('state')}`)}\n`,
    );
    expect(await command.ended).toMatchObject({ code: 1, err: expect.stringContaining(why) });
  });

  it('ends when standard input does before anything was pasted', async () => {
    const command = login('pasted');
    command.child.stdin?.end();
    expect(await command.ended).toMatchObject({
      code: 1,
      err: expect.stringContaining('standard input ended'),
    });
  });

  it('ends when nobody logs in in time', async () => {
    for (const args of [['person'], ['pasted'], ['tv']]) {
      const { code, err } = await login(...args, '--timeout', '200ms').ended;
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('in time') });
    }
  });

  it.each([['tv'], ['choice', '--device']])(
    'logs in with a code on another device: %s %s',
    async (...args) => {
      const command = login(...args.filter((arg) => arg !== undefined));
      expect(await address(command)).toBe(`${device.url}/device`);
      const userCode = device.waiting.at(-1) ?? '';
      device.decide(userCode, true);
      const { code, out, err } = await command.ended;
      expect(code).toBe(0);
      expect(err).toContain(`and enter the code: ${userCode}\n`);
      expect(err).toContain(`Or open: ${device.url}/device?user_code=${userCode}\n`);
      expect(out).toMatch(/access token +lives 60 min/);
      expect(await stored(args[0] as string)).toBeDefined();
    },
  );

  it.each([
    [['nobody'], 'there is no credential "nobody"; known: '],
    [['persom'], 'there is no credential "persom"; did you mean `person`?'],
    [['machine'], 'credential machine has grant_type client_credentials: it gets its tokens without a login'],
    [['tenants'], 'credential tenants has a session for each tenant: say which with --tenant'],
    [['person', '--tenant', 'x'], 'credential person has no tenants: leave the tenant out'],
    [['person', '--device'], 'providers.issuer has no device_authorization.url'],
    [['named', '--port', '4712'], "--port: the credential's redirect_uri names port 4711"],
    [['choice', '--device', '--paste'], '--paste is for a login in a browser'],
    [['tv', '--paste'], '--paste is for a login in a browser'],
    [['person', '--port', '0'], '--port is a number from 1 to 65535'],
    [['person', '--port', '65536'], '--port is a number'],
    [['person', '--timeout', '11m'], '--timeout is a duration of at most 10m'],
    [['person', '--timeout', 'soon'], '--timeout is a duration'],
    [[], 'usage: cupbearer login CREDENTIAL'],
  ])('refuses %j', async (args, why) => {
    const { code, out, err } = await cupbearer(['login', '-c', file, ...args], env);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(why);
    expect(err).toContain('See: cupbearer login --help');
  });

  it('refuses to begin a session that would end with it', async () => {
    configure('url: "memory:"');
    const { code, err } = await cupbearer(['login', 'person', '-c', file], env);
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringMatching(/memory: .*\/login on the admin listener/),
    });
  });
});

function occupied(): Promise<Server> {
  const server = createServer();
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

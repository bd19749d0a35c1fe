import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from '../support/deployment.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

describe('cupbearer token', () => {
  let at: Deployment;

  beforeEach(async () => {
    at = await deploy();
  });
  afterEach(() => at.close());

  async function works(authorization: string | undefined): Promise<number> {
    const headers = { authorization: authorization ?? '' };
    return (await fetch(`${at.rotating.apiUrl}`, { headers })).status;
  }

  it('prints the access token alone', async () => {
    const { code, out, err } = await at.runAlone('token', 'device');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^[0-9a-f]{30}\n$/);
    const headers = { authorization: `Bearer ${out.trim()}` };
    expect((await fetch(`${at.realer.url}/iot/v1/catalog`, { headers })).status).toBe(200);
  });

  it('does not revoke what it has printed', async () => {
    at.configure({ device: ', revoke_on_shutdown: true' });
    expect((await at.run('token', 'device')).code).toBe(0);
    expect(at.realer.revocations).toBe(0);
  });

  it('prints how the token is sent and how long it lives', async () => {
    const { out } = await at.run('token', 'session', '--json');
    const { access_token, expires_in, headers, ...rest } = JSON.parse(out);
    expect(rest).toEqual({});
    expect(headers).toEqual({ Authorization: `Bearer ${access_token}` });
    expect(expires_in).toBeGreaterThan(3_500);
    expect(expires_in).toBeLessThanOrEqual(3_600);
    expect(await works(headers.Authorization)).toBe(200);
  });

  it('prints what else the answer says, for a credential that uses another', async () => {
    const { code, out } = await at.run('token', 'mqtt', '--json');
    expect(code).toBe(0);
    const { access_token, answer } = JSON.parse(out);
    expect(at.realer.isMqttCredential(access_token)).toBe(true);
    expect(answer).toMatchObject({
      mqtt_client_id: at.env.REALER_CLIENT_ID,
      mqtt_username: at.env.REALER_CLIENT_ID,
      mqtt_credential: access_token,
      expires_in: '3600',
    });
  });

  it('takes the fresh token of a stored session as it is', async () => {
    const first = await at.run('token', 'session');
    const second = await at.run('token', 'session');
    expect(second).toEqual({ code: 0, out: first.out, err: '' });
    expect(at.rotating.stats).toMatchObject({ refreshes: 1 });
  });

  it('renews a stored session that is due, once for all who ask', async () => {
    const first = await at.run('token', 'session');
    await at.store({ credential: 'session' }, (session) => {
      if (session?.token === undefined) throw new Error('there is no stored token');
      return { ...session, token: { ...session.token, t0Wall: session.token.t0Wall - 3_600_000 } };
    });
    const all = await Promise.all([1, 2, 3].map(() => at.runAlone('token', 'session')));
    const [{ out } = { out: '' }] = all;
    expect(all).toEqual([1, 2, 3].map(() => ({ code: 0, out, err: '' })));
    expect(out).not.toBe(first.out);
    expect(await works(`Bearer ${out.trim()}`)).toBe(200);
    expect(at.rotating.stats).toMatchObject({ refreshes: 2, reuses: 0, invalidGrants: 0 });
  });

  it('shares the session of a running serve', async () => {
    const served = await at.serve();
    expect((await fetch(`${served.at}/session/api`)).status).toBe(200);
    const { code } = await at.run('token', 'session');
    expect([code, at.rotating.stats.refreshes]).toEqual([0, 1]);
  });

  it('prints the token of the tenant it is asked for', async () => {
    const refresh_token = at.rotating.begin();
    await at.store({ credential: 'tenants', tenant: 'acme' }, () => ({ head: 'h', refresh_token }));
    const { code, out } = await at.run('token', 'tenants', '--tenant', 'acme');
    expect([code, await works(`Bearer ${out.trim()}`)]).toEqual([0, 200]);
  });

  it.each([
    [['nothing'], 2, /there is no credential "nothing"; known: device/],
    [['sesion'], 2, /did you mean `session`/],
    [['tenants'], 2, /token for each tenant; say which with --tenant/],
    [['session', '--tenant', 'a'], 2, /has no tenants; leave --tenant out/],
    [['tenants', '--tenant', 'a b'], 2, /visible ASCII/],
    [['nobody'], 1, /nobody has logged in yet; run: cupbearer login/],
    [['wrong'], 1, /invalid_client.*check client_id and client_secret/],
  ])('%j ends with %i and the reason, and prints nothing', async (args, code, reason) => {
    const result = await at.run('token', ...args);
    expect(result).toEqual({ code, out: '', err: expect.stringMatching(reason) });
    for (const secret of at.secrets) expect(result.err).not.toContain(secret);
  });

  it.each([['session'], ['tenants', '--tenant', 'a']])(
    'leaves a session in memory to the process that serves: %s',
    async (...args) => {
      at.configure({ store: 'url: "memory:"' });
      const { code, out, err } = await at.run('token', ...args);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/lives in the process that serves.*write store/);
      expect(at.rotating.tokenCalls).toBe(0);
      expect((await at.run('token', 'device')).code).toBe(0);
    },
  );

  it.each([['device'], ['session', '--json']])(
    'refuses a terminal, and asks for no token then: %s',
    async (...args) => {
      const refused = await onTerminal('token', ...args);
      expect([refused.code, refused.out]).toEqual([1, '']);
      expect(refused.err).toContain('--reveal');
      expect(at.realer.tokenCalls + at.rotating.tokenCalls).toBe(0);
      const shown = await onTerminal('token', ...args, '--reveal');
      expect([shown.code, shown.err]).toEqual([0, '']);
      expect(shown.out).not.toBe('');
    },
  );

  /** Runs a command that takes its standard output for a terminal. */
  async function onTerminal(command: string, ...args: string[]) {
    const terminal = '--import=data:text/javascript,process.stdout.isTTY=true';
    const child = spawn(process.execPath, [terminal, main, command, '-c', at.file, ...args], {
      env: { PATH: process.env.PATH, ...at.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    child.stderr.on('data', (data) => {
      err += data;
    });
    const [code] = await once(child, 'close');
    return { code, out, err };
  }
});

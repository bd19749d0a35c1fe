import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckedCredential } from '../../src/cli/online-result.ts';
import { type Deployment, deploy } from '../support/deployment.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

describe('check --online, of sessions', () => {
  let at: Deployment;
  beforeEach(async () => {
    at = await deploy();
  });
  afterEach(() => at.close());

  async function checked(...args: string[]): Promise<Record<string, CheckedCredential>> {
    const { out, err, code } = await at.run('check', '--online', '--json', ...args);
    for (const secret of at.secrets) expect(out + err).not.toContain(secret);
    expect(code).toBe(1);
    const { credentials } = JSON.parse(out) as { credentials: CheckedCredential[] };
    return Object.fromEntries(credentials.map((one) => [one.credential, one]));
  }

  const made = () => existsSync(join(at.directory, 'sessions.db'));

  /** Begins the sessions that the configuration has a refresh token for, which makes the store. */
  async function begin() {
    for (const one of ['session', 'quiet']) expect((await at.run('token', one)).code).toBe(0);
  }

  it('takes a fresh token of a session as it is, and spends nothing', async () => {
    await begin();
    const { session } = await checked();
    expect(session).toMatchObject({ result: 'ok', token: { from: 'store' } });
    expect(session?.detail).toMatch(/out of the store: nobody was asked$/);
    expect(at.rotating.stats).toMatchObject({ refreshes: 2, reuses: 0 });
  });

  it('renews one that is due, for everybody', async () => {
    await begin();
    await at.store({ credential: 'session' }, (session) => {
      if (session?.token === undefined) throw new Error('there is no stored token');
      return { ...session, token: { ...session.token, t0Wall: session.token.t0Wall - 3_600_000 } };
    });
    expect((await checked()).session).toMatchObject({ result: 'ok', token: { from: 'provider' } });
    expect((await checked()).session).toMatchObject({ result: 'ok', token: { from: 'store' } });
    expect(at.rotating.stats).toMatchObject({ refreshes: 3, reuses: 0, invalidGrants: 0 });
  });

  it('says who has to log in, and how', async () => {
    await begin();
    const { nobody, tenants, wrong } = await checked();
    expect(nobody).toMatchObject({ result: 'login', what_to_do: 'cupbearer login nobody' });
    expect(nobody?.detail).toMatch(/nobody has logged in yet/);
    expect(tenants).toMatchObject({ result: 'skipped' });
    expect(wrong).toMatchObject({ result: 'failed', error: { error: 'invalid_client', status: 401 } });
  });

  it('says how to log in for a tenant', async () => {
    await begin();
    const { tenants } = await checked('--tenant', 'acme');
    expect(tenants).toMatchObject({ result: 'login', what_to_do: 'cupbearer login tenants --tenant acme' });
  });

  it('makes no store, and does not spend the refresh token that begins a session', async () => {
    const { device, session, nobody } = await checked();
    expect(device).toMatchObject({ result: 'ok', token: { from: 'provider' } });
    expect(session).toMatchObject({ result: 'skipped', what_to_do: expect.stringContaining('start serve') });
    expect(nobody).toMatchObject({ result: 'login', what_to_do: 'cupbearer login nobody' });
    expect([made(), at.rotating.tokenCalls]).toEqual([false, 0]);
  });

  it('leaves sessions in memory to the process that serves', async () => {
    at.configure({ store: 'url: "memory:"' });
    const { device, session, nobody } = await checked();
    expect(device?.result).toBe('ok');
    for (const one of [session, nobody])
      expect(one).toMatchObject({ result: 'skipped', detail: expect.stringMatching(/memory.*serves/) });
    expect(at.rotating.tokenCalls).toBe(0);
  });

  it('tries the others when the store cannot be opened', async () => {
    await begin();
    at.configure({ store: `url: "sqlite:${at.directory}", key: "\${STORE_KEY}"` });
    const { device, session } = await checked();
    expect(device?.result).toBe('ok');
    expect(session).toMatchObject({
      result: 'failed',
      what_to_do: expect.stringContaining('check store.url'),
    });
  });

  it('puts marks before the words on a terminal alone', async () => {
    const { out } = await at.run('check', '--online');
    expect(out).toMatch(/^device .*ok/m);
    expect(out).not.toMatch(/[✓✗]/);
    expect(out).toMatch(/\n\d+ ok, 1 failed, \d+ needs login, \d+ skipped\.\n$/);
    const terminal = '--import=data:text/javascript,process.stdout.isTTY=true';
    const child = spawn(process.execPath, [terminal, main, 'check', '--online', '-c', at.file], {
      env: { PATH: process.env.PATH, ...at.env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const marked = await text(child.stdout);
    expect(marked).toMatch(/^device .*✓ ok/m);
    expect(marked).toMatch(/^wrong .*✗ failed/m);
  });
});

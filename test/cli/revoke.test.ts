import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from '../support/deployment.ts';
import { startSquatter } from '../support/squatter.ts';

describe('cupbearer revoke', () => {
  let at: Deployment;

  beforeEach(async () => {
    at = await deploy();
  });
  afterEach(() => at.close());

  const get = async (url: string, headers = {}) => (await fetch(url, { headers })).status;
  const tenant = (name: string) => ({ credential: 'tenants', tenant: name });
  const askedFor = () => at.revocation.asked.map(([token]) => token).sort();

  describe('with a running serve', () => {
    it('revokes the token in force; the next request gets another', async () => {
      const served = await at.start();
      expect(await get(`${served.at}/device/iot/v1/catalog`)).toBe(200);
      const result = await at.run('revoke', 'device');
      expect(result).toEqual({ code: 0, out: 'device: 1 token revoked at the provider\n', err: '' });
      expect(at.realer.revocations).toBe(1);
      expect(await get(`${served.at}/device/iot/v1/catalog`)).toBe(200);
      expect([at.realer.tokenCalls, at.realer.refusals]).toEqual([2, 0]);
    });

    it('revokes both tokens of a session and deletes it', async () => {
      const served = await at.serve();
      expect(await get(`${served.at}/session/api`)).toBe(200);
      const session = await at.stored({ credential: 'session' });
      const { code, out, err } = await at.runAlone('revoke', 'session');
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/^session: 2 tokens revoked at the provider, session deleted\n/);
      expect(out).toContain('the configured refresh_token starts nothing any more');
      expect(await at.stored({ credential: 'session' })).toMatchObject({
        refresh_token: '',
        spent: 'revoked',
      });
      expect([...at.revocation.asked].sort()).toEqual(
        [
          [session?.refresh_token, 'refresh_token'],
          [session?.token?.value, 'access_token'],
        ].sort(),
      );
      const shown = out + err + served.output();
      for (const secret of [...at.secrets, ...askedFor()]) expect(shown).not.toContain(secret);
    });

    it('revokes every tenant there is, in use or in the store, and no other credential', async () => {
      const served = await at.start();
      const first = at.rotating.begin();
      await at.store(tenant('used'), () => ({ head: 'h', refresh_token: first }));
      await at.store(tenant('stored'), () => ({ head: 'h', refresh_token: 'r-stored' }));
      await at.store({ credential: 'nobody' }, () => ({ head: 'h', refresh_token: 'r-nobody' }));
      expect(await get(`${served.at}/tenants/api`, { 'x-tenant': 'used' })).toBe(200);
      const used = await at.stored(tenant('used'));
      const { code, out } = await at.run('revoke', 'tenants', '--all-tenants');
      expect([code, out]).toEqual([
        0,
        'tenants (tenant stored): 1 token revoked at the provider, session deleted\n' +
          'tenants (tenant used): 2 tokens revoked at the provider, session deleted\n',
      ]);
      expect(askedFor()).toEqual(['r-stored', used?.refresh_token, used?.token?.value].sort());
      expect(await at.stored({ credential: 'nobody' })).toBeDefined();
      expect(await get(`${served.at}/tenants/api`, { 'x-tenant': 'used' })).toBe(502);
    });

    it('revokes a configured refresh token that no session has begun with', async () => {
      await at.start();
      expect((await at.run('revoke', 'session')).out).toMatch(/^session: 1 token revoked at the provider\n/);
      expect(at.revocation.asked).toEqual([[expect.any(String), 'refresh_token']]);
    });

    it('keeps what the provider did not revoke, so that it can be tried again', async () => {
      at.revocation.status = 503;
      const served = await at.start();
      expect(await get(`${served.at}/session/api`)).toBe(200);
      const { code, out, err } = await at.run('revoke', 'session');
      expect(code).toBe(1);
      expect(out).not.toContain('deleted');
      expect(err).toMatch(
        /not everything was revoked \(http_503\).*503.*\na token may still be good; nothing was deleted: try again/,
      );
      const calls = at.rotating.tokenCalls;
      expect(await get(`${served.at}/session/api`)).toBe(200);
      expect(at.rotating.tokenCalls).toBe(calls);
      at.revocation.status = 200;
      const again = await at.run('revoke', 'session');
      expect(again.code).toBe(0);
      expect(again.out).toMatch(/^session: 2 tokens revoked at the provider, session deleted\n/);
    });

    it('says that tokens live on where the provider has no revocation endpoint', async () => {
      const served = await at.start();
      expect(await get(`${served.at}/quiet/api`)).toBe(200);
      const { code, out, err } = await at.run('revoke', 'quiet');
      expect([code, out]).toEqual([1, expect.stringMatching(/^quiet: session deleted\n/)]);
      expect(err).toMatch(
        /quiet: the provider has no revocation endpoint; tokens are good until they expire/,
      );
      expect(served.output()).not.toContain('tokens revoked');
    });

    it('says when there is nothing to revoke', async () => {
      await at.start();
      const nothing = { code: 0, err: '' };
      expect(await at.run('revoke', 'device')).toEqual({
        ...nothing,
        out: 'device: nothing to revoke: no token and no session\n',
      });
      expect(await at.run('revoke', 'tenants', '--all-tenants')).toEqual({
        ...nothing,
        out: 'tenants: nothing to revoke: no tenant has a token or a session\n',
      });
    });
  });

  describe('when no instance answers', () => {
    it('revokes a stored session from here and deletes it', async () => {
      await at.run('token', 'session');
      const session = await at.stored({ credential: 'session' });
      const { code, out, err } = await at.run('revoke', 'session');
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/^session: 2 tokens revoked at the provider, session deleted\n/);
      expect(askedFor()).toEqual([session?.refresh_token, session?.token?.value].sort());
      expect(await at.stored({ credential: 'session' })).toMatchObject({
        refresh_token: '',
        spent: 'revoked',
      });
    });

    it('revokes every stored tenant, and goes on after one that the provider did not take', async () => {
      for (const name of ['a', 'b'])
        await at.store(tenant(name), () => ({ head: 'h', refresh_token: `r-${name}` }));
      at.revocation.status = 503;
      const { code, out, err } = await at.run('revoke', 'tenants', '--all-tenants');
      expect([code, out]).toEqual([1, '']);
      expect(err.match(/may still be good/g)).toHaveLength(2);
      expect(askedFor()).toEqual(['r-a', 'r-b']);
    });

    it('says that it knows no token of a credential without a session', async () => {
      const { code, out, err } = await at.run('revoke', 'device');
      expect([code, out]).toEqual([1, '']);
      expect(err).toContain(
        `device: nothing to revoke: no instance answers at unix:${at.directory}/admin.sock (there is no such socket)`,
      );
      at.configure({ store: 'url: "memory:"' });
      expect((await at.run('revoke', 'session')).err).toContain('session: nothing to revoke: no instance');
    });

    it('makes no store where there is none', async () => {
      const { code, out } = await at.run('revoke', 'tenants', '--all-tenants');
      expect([code, out]).toEqual([0, 'tenants: nothing to revoke: there is no store yet\n']);
      expect(existsSync(`${at.directory}/sessions.db`)).toBe(false);
    });
  });

  it('leaves the store alone while something took the request and does not answer', async () => {
    await at.run('token', 'session');
    const cutting = createServer((socket) => socket.once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => cutting.listen(0, '127.0.0.1', resolve));
    try {
      at.configure({ admin: `127.0.0.1:${(cutting.address() as AddressInfo).port}` });
      const { code, out, err } = await at.run('revoke', 'session');
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/the instance at 127\.0\.0\.1:\d+ does not answer/);
      expect(await at.stored({ credential: 'session' })).toBeDefined();
      expect(at.revocation.asked).toEqual([]);
    } finally {
      cutting.close();
    }
  });

  const done = { revoked: 2, session_deleted: true, supported: true };
  it.each([
    ['nothing of a report', ['session'], { ok: true }],
    ['a count that is none', ['session'], { ...done, credential: 'session', revoked: 'two' }],
    ['an error that is none', ['session'], { ...done, credential: 'session', error: 'no' }],
    ['what became of another credential', ['session'], { ...done, credential: 'device' }],
    ['what became of no tenant', ['tenants', '--tenant', 'a'], { ...done, credential: 'tenants' }],
    ['no tenants', ['tenants', '--all-tenants'], { running: true }],
  ])('believes nothing that answers with %s, and leaves the store alone', async (_what, args, answer) => {
    await at.store({ credential: 'session' }, () => ({ head: 'h', refresh_token: 'r' }));
    await at.store(tenant('a'), () => ({ head: 'h', refresh_token: 'r' }));
    const squatter = await startSquatter(answer);
    try {
      at.configure({ admin: squatter.at });
      const { code, out, err } = await at.run('revoke', ...args);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^cupbearer: something else answers at 127\.0\.0\.1:\d+, or another version/);
      expect(squatter.asked).toHaveLength(1);
      expect(await at.stored({ credential: 'session' })).toBeDefined();
      expect(at.revocation.asked).toEqual([]);
    } finally {
      await squatter.close();
    }
  });

  it.each([
    [['nothing'], /there is no credential "nothing"/],
    [['tenants'], /say which with --tenant/],
    [['session', '--all-tenants'], /has no tenants; leave --all-tenants out/],
    [['tenants', '--tenant', 'a', '--all-tenants'], /there is --tenant; leave --all-tenants out/],
  ])('%j is wrong usage', async (args, reason) => {
    expect(await at.run('revoke', ...args)).toEqual({ code: 2, out: '', err: expect.stringMatching(reason) });
  });
});

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from '../support/deployment.ts';

/** Vendors are real; so are processes, signals and exit codes where they matter. */
describe('a stop with revoke_on_shutdown', () => {
  let at: Deployment;
  let upstream: Server;
  let answers: ServerResponse[];
  /** The tokens that requests brought upstream. */
  let brought: string[];

  beforeEach(async () => {
    at = await deploy();
    answers = [];
    brought = [];
    upstream = createServer((request, response) => {
      brought.push(request.headers.authorization?.replace('Bearer ', '') ?? '');
      if (request.url === '/slow') answers.push(response);
      else response.end('ok');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
    await at.close();
  });

  const here = () => `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const on = ', revoke_on_shutdown: true';
  const get = async (url: string, headers = {}) => (await fetch(url, { headers })).status;
  const isGood = async (token: string | undefined) =>
    (await get(`${at.realer.url}/iot/v1/catalog`, { authorization: `Bearer ${token}` })) === 200;

  it('revokes the access token at Realer', async () => {
    at.configure({ device: on });
    const served = await at.serve();
    expect(await get(`${served.at}/device/iot/v1/catalog`)).toBe(200);
    expect(await served.end('SIGTERM')).toBe(0);
    expect(at.realer.revocations).toBe(1);
    expect(served.output()).toContain('"msg":"tokens revoked"');
    for (const secret of at.secrets) expect(served.output()).not.toContain(secret);
  });

  it('revokes nothing unless it is asked for, nor what was never fetched', async () => {
    const without = await at.start();
    expect(await get(`${without.at}/device/iot/v1/catalog`)).toBe(200);
    await without.stop();
    at.configure({ device: on });
    const unused = await at.start();
    await unused.stop();
    expect(at.realer.seen.filter(({ path }) => path === '/oauth/revoke')).toEqual([]);
  });

  it('lets exchanges in progress end with their token before it is revoked', async () => {
    at.configure({
      device: on,
      routes: `  /slow: { upstream: "${here()}", credential: device, strip_prefix: false }`,
    });
    const served = await at.start();
    const answer = fetch(`${served.at}/slow`);
    await expect.poll(() => answers.length).toBe(1);
    const ended = served.stop();
    await expect.poll(() => get(served.at).catch(() => 'closed'), { timeout: 5_000 }).toBe('closed');
    expect(await isGood(brought[0])).toBe(true);
    expect(at.realer.revocations).toBe(0);
    answers[0]?.end('done');
    expect(await (await answer).text()).toBe('done');
    await ended;
    expect(at.realer.revocations).toBe(1);
    expect(await isGood(brought[0])).toBe(false);
  });

  it('takes no longer than 2 s when the revocation endpoint is silent, and says so once', async () => {
    at.configure({ session: on });
    at.revocation.status = 0;
    const served = await at.start();
    expect(await get(`${served.at}/session/api`)).toBe(200);
    const began = performance.now();
    await served.stop();
    const took = performance.now() - began;
    expect(took).toBeGreaterThan(1_900);
    expect(took).toBeLessThan(4_000);
    const warnings = served
      .output()
      .split('\n')
      .filter((line) => line.includes('"level":"warn"'));
    expect(warnings).toEqual([expect.stringContaining('a token could not be revoked')]);
  });

  it('leaves a session its refresh token, and serves the revoked token no more after a restart', async () => {
    at.configure({
      session: on,
      routes: `  /echo: { upstream: "${here()}", credential: session }`,
    });
    const first = await at.start();
    expect(await get(`${first.at}/echo`)).toBe(200);
    const before = await at.stored({ credential: 'session' });
    expect(before?.token?.value).toBe(brought[0]);
    await first.stop();
    expect(at.revocation.asked).toEqual([[brought[0], 'access_token']]);
    const between = await at.stored({ credential: 'session' });
    expect(between?.token).toBeUndefined();
    expect(between?.refresh_token).toBe(before?.refresh_token);
    const second = await at.start();
    expect(await get(`${second.at}/echo`)).toBe(200);
    expect(brought[1]).not.toBe(brought[0]);
    expect(at.rotating.stats).toMatchObject({ refreshes: 2, reuses: 0, invalidGrants: 0 });
  });

  it('takes a stored token as it is after a stop without it', async () => {
    at.configure({ routes: `  /echo: { upstream: "${here()}", credential: session }` });
    for (const _start of [1, 2]) {
      const served = await at.start();
      expect(await get(`${served.at}/echo`)).toBe(200);
      await served.stop();
    }
    expect(brought[1]).toBe(brought[0]);
    expect(at.rotating.stats.refreshes).toBe(1);
  });
});

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, redisIsMissing, startRedis } from '../store/redis-server.ts';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';
import { type RotatingServer, startRotating } from '../support/rotating-server.ts';

/** More than the lifetime of any token here, ms. */
const hour = 3_601_000;

describe.skipIf(redisIsMissing())('two proxies with their sessions in Redis', () => {
  let redis: RedisServer;
  let rotating: RotatingServer;
  let machine: TokenServer;
  let clock: OffsetClock;
  let proxies: Fixture[];

  beforeAll(async () => {
    clock = offsetClock();
    redis = await startRedis(['appendonly yes', 'appendfsync always']);
    rotating = await startRotating({ lifetime: 3600, grace: 60, now: () => clock.wall() });
    machine = await tokenServer('M');
    const key = randomBytes(32).toString('base64');
    const yaml = `
server: { listen: "127.0.0.1:0", admin: "off", replicas: 2 }
store: { url: "${redis.url}", key: "${key}" }
providers:
  rotating: { token: { url: "${rotating.tokenUrl}" } }
  machine: { token: { url: "${machine.url}/token" } }
credentials:
  person:
    provider: rotating
    grant_type: refresh_token
    client_id: ${rotating.client.id}
    client_secret: ${rotating.client.secret}
    refresh_token: ${rotating.refreshToken}
  machine: { provider: machine, client_id: id, client_secret: secret }
routes:
  /person: { credential: person, upstream: "${rotating.apiUrl}" }
  /machine: { credential: machine, upstream: "${machine.url}/api" }
`;
    proxies = [await startCupbearer(yaml, { clock }), await startCupbearer(yaml, { clock })];
  });

  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    await rotating.close();
    await machine.close();
    await redis.close();
  });

  async function get(path: string, proxy = 0) {
    const { statusCode, headers, body } = await request(`${proxies[proxy]?.url}${path}`);
    return { status: statusCode, retryAfter: Number(headers['retry-after']), text: await body.text() };
  }

  it('share one session: one refresh for both', async () => {
    const statuses = await Promise.all(
      [0, 1, 0, 1].map(async (proxy) => (await get('/person', proxy)).status),
    );
    expect(statuses).toEqual([200, 200, 200, 200]);
    expect(rotating.stats.refreshes).toBe(1);
  });

  it('without Redis go on with client_credentials and with tokens at hand, and spend no refresh token', async () => {
    await redis.stop();
    expect((await get('/person')).status).toBe(200);
    clock.advance(hour);
    const before = machine.calls;
    expect((await get('/machine')).status).toBe(200);
    expect(machine.calls).toBeGreaterThan(before);
    const refused = await get('/person');
    expect(refused.status).toBe(503);
    expect(refused.retryAfter).toBeGreaterThan(0);
    expect(JSON.parse(refused.text)).toMatchObject({
      type: 'urn:cupbearer:problem:store-unavailable',
      detail: expect.stringContaining('credential person'),
    });
    expect(rotating.tokenCalls).toBe(1);
  });

  it('go on with the session as soon as Redis is back', async () => {
    await redis.start();
    const end = performance.now() + 15_000;
    let status = 503;
    while (status === 503 && performance.now() < end) {
      clock.advance(1_000);
      status = (await get('/person')).status;
      await sleep(50);
    }
    expect(status).toBe(200);
    expect((await get('/person', 1)).status).toBe(200);
    expect(rotating.stats).toMatchObject({ refreshes: 2, replays: 0, reuses: 0, invalidGrants: 0 });
  });

  it('show no refresh token and no key in Redis, in an answer or in the log', async () => {
    const seen = proxies.map((proxy) => proxy.log()).join('');
    expect(seen).not.toContain(rotating.refreshToken);
    expect(seen).not.toContain(rotating.client.secret);
    const key = /cupbearer:session:\S+/.exec(await redis.command('KEYS', 'cupbearer:session:*'))?.[0] ?? '';
    const kept = await redis.command('HVALS', key);
    expect(kept.length).toBeGreaterThan(300);
    expect(kept).not.toContain(rotating.refreshToken);
  });
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RotatingServer, startRotating } from '../support/rotating-server.ts';
import { configFile, type Served, serve } from '../support/serve.ts';
import { rotatingConfig } from './rotating-config.ts';

/** Seconds. A token of this lifetime is renewed when it is a little over two seconds old. */
const lifetime = 4;

let directory: string;
let server: RotatingServer;
let running: Served[];
let agent: Agent;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cupbearer-replicas-'));
  server = await startRotating({ lifetime, grace: 60 });
  running = [];
  agent = new Agent({ connections: 8 });
});

afterEach(async () => {
  await agent.destroy();
  for (const one of running) if (one.process.exitCode === null) await one.end('SIGKILL');
  await server.close();
  rmSync(directory, { recursive: true });
});

/** `cupbearer serve` with the session of `server` in a SQLite file. */
function launch(key: string): Served {
  const database = join(directory, 'sessions', 'sessions.db');
  const file = configFile(directory, rotatingConfig(server, database, key, 'admin: "off"'));
  const served = serve(file);
  running.push(served);
  return served;
}

async function call(url: string): Promise<number> {
  const { statusCode, body } = await request(`${url}/api`, { dispatcher: agent });
  await body.dump();
  return statusCode;
}

describe('several processes on one store, under load', () => {
  it.each([2, 4])(
    '%i of them renew each token once',
    async (count) => {
      const key = randomBytes(32).toString('base64');
      const urls = await Promise.all(Array.from({ length: count }, () => launch(key).url));
      const statuses = new Map<number, number>();
      const seconds = 8;
      const end = performance.now() + seconds * 1_000;
      await Promise.all(
        urls.map(async (url) => {
          while (performance.now() < end) {
            const status = await call(url);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            await sleep(5);
          }
        }),
      );
      const { refreshes, replays, reuses, invalidGrants, familyRevoked } = server.stats;
      console.log(
        `${count} processes, ${seconds} s: ${statuses.get(200)} answers, ${refreshes} refreshes, ${invalidGrants} invalid_grant`,
      );
      expect([...statuses.keys()]).toEqual([200]);
      expect({ replays, reuses, invalidGrants, familyRevoked }).toEqual({
        replays: 0,
        reuses: 0,
        invalidGrants: 0,
        familyRevoked: 0,
      });
      expect(refreshes).toBeGreaterThanOrEqual(seconds / lifetime);
      expect(refreshes).toBeLessThanOrEqual(1 + seconds / (lifetime / 2));
      for (const served of running) expect(await served.end('SIGTERM')).toBe(0);
    },
    60_000,
  );

  it('are killed at any moment, and the session lives on', async () => {
    const key = randomBytes(32).toString('base64');
    // A token is renewed every second or so; each renewal takes effect at once and is answered late, so that many a kill
    // falls in between.
    server.setLifetime(2);
    server.holdTokens(300);
    let killed = 0;
    const statuses = new Map<number, number>();
    for (let round = 0; round < 12; round++) {
      const pair = [launch(key), launch(key)];
      const urls = await Promise.all(pair.map((one) => one.url));
      const calls = urls.map(async (url) => {
        for (;;) {
          const status = await call(url).catch(() => 'gone' as const);
          if (status === 'gone') return;
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          await sleep(5);
        }
      });
      await sleep(300 + 67 * round);
      for (const one of pair) expect(await one.end('SIGKILL')).toBe('SIGKILL');
      killed += pair.length;
      await Promise.all(calls);
    }
    server.holdTokens(0);
    const url = await launch(key).url;
    await expect.poll(() => call(url), { timeout: 10_000, interval: 200 }).toBe(200);
    console.log(
      `killed ${killed} times under load after ${statuses.get(200)} answers; refresh tokens sent again: ${server.stats.replays}`,
    );
    // A pair given again has an access token that may have been over on arrival: 401, recovered by the next renewal.
    expect([...statuses.keys()].filter((status) => status !== 401)).toEqual([200]);
    expect(server.stats).toMatchObject({ reuses: 0, invalidGrants: 0, familyRevoked: 0 });
  }, 120_000);
});

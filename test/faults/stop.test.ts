import { randomBytes } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { expect, it } from 'vitest';
import { startRotating } from '../support/rotating-server.ts';
import { configFile, serve } from '../support/serve.ts';
import { rotatingConfig } from './rotating-config.ts';

it.each(['"off"', '127.0.0.1:0'])(
  'a stop while an answer cannot be stored waits until it can, with admin: %s',
  async (admin) => {
    const directory = mkdtempSync(join(tmpdir(), 'cupbearer-stop-'));
    const database = join(directory, 'sessions', 'sessions.db');
    const server = await startRotating({ hold: 1_000 });
    const key = randomBytes(32).toString('base64');
    const more = `admin: ${admin}, shutdown_grace: 0s`;
    const file = configFile(directory, rotatingConfig(server, database, key, more));
    try {
      const first = serve(file);
      void request(`${await first.url}/api`).catch(() => undefined);
      await expect.poll(() => server.stats.refreshes, { interval: 5 }).toBe(1);
      renameSync(database, `${database}.away`);
      const ended = first.end('SIGTERM');
      await sleep(2_000);
      expect(first.process.exitCode).toBe(null);
      renameSync(`${database}.away`, database);
      expect(await ended).toBe(0);
      const second = serve(file);
      const { statusCode, body } = await request(`${await second.url}/api`);
      await body.dump();
      expect(statusCode).toBe(200);
      expect(await second.end('SIGTERM')).toBe(0);
      expect(server.stats).toMatchObject({ refreshes: 1, reuses: 0, familyRevoked: 0 });
    } finally {
      await server.close();
      rmSync(directory, { recursive: true });
    }
  },
  30_000,
);

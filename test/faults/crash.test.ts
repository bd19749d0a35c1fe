import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RotatingServer, startRotating } from '../support/rotating-server.ts';
import { Lane } from './crash.ts';

/** Every lane is a session; the processes of one run one after the other, lanes side by side. */
const lanes = 4;
const rounds = 3;
/** A process that is not killed takes some 20 steps; after a crash in between, a few more. */
const lastStep = 27;

describe('R32 a process killed at any step of a refresh', () => {
  let directory: string;
  const servers: RotatingServer[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-crash-'));
    // Lives to its end, so that those after it start from compiled code.
    await new Lane(await serverWith(60), directory).run();
  });

  afterAll(async () => {
    for (const server of servers) await server.close();
    rmSync(directory, { recursive: true });
  });

  async function serverWith(grace: number): Promise<RotatingServer> {
    const server = await startRotating({ grace });
    servers.push(server);
    return server;
  }

  it('loses no session, when the provider lets an unanswered refresh token be sent again', async () => {
    const server = await serverWith(60);
    const places = new Map<string, number>();
    let lost = 0;
    async function live(): Promise<void> {
      const lane = new Lane(server, directory);
      for (let round = 0; round < rounds; round++) {
        for (let dieAt = 1; dieAt <= lastStep; dieAt++) {
          const end = await lane.run(dieAt);
          if (end.killed) places.set(end.step, (places.get(end.step) ?? 0) + 1);
          else if (!end.report.statuses.every((status) => status === 200)) lost++;
        }
      }
      const last = await lane.run();
      expect(last).toMatchObject({ killed: false, report: { statuses: [200, 200] } });
    }
    await Promise.all(Array.from({ length: lanes }, live));
    const killed = [...places.values()].reduce((sum, count) => sum + count, 0);
    console.log(
      `killed ${killed} times at ${places.size} places; sessions lost: ${lost}; ` +
        `refresh tokens sent again: ${server.stats.replays}, families revoked: ${server.stats.familyRevoked}`,
    );
    expect(killed).toBeGreaterThan(200);
    expect([...places.keys()].sort()).toEqual(
      ['load', 'lease', 'storing the intent', 'sending', 'storing the answer', 'storing the token', 'release']
        .flatMap((name) => [`before ${name}`, `after ${name}`])
        .sort(),
    );
    expect(lost).toBe(0);
    expect(server.stats).toMatchObject({ reuses: 0, invalidGrants: 0, familyRevoked: 0 });
    expect(server.stats.replays).toBeGreaterThan(0);
  }, 240_000);

  it('loses one only between the answer and its storing, when the provider forgives nothing', async () => {
    const server = await serverWith(0);
    const survivors: string[] = [];
    const victims: string[] = [];
    async function die(dieAt: number): Promise<void> {
      const lane = new Lane(server, directory);
      const end = await lane.run(dieAt);
      if (!end.killed) return;
      const next = await lane.run().catch(() => undefined);
      (next === undefined ? victims : survivors).push(end.step);
    }
    for (let dieAt = 1; dieAt <= 16; dieAt += lanes) {
      await Promise.all(Array.from({ length: lanes }, (_, i) => die(dieAt + i)));
    }
    expect(victims.sort()).toEqual(['after sending', 'before storing the answer']);
    expect(survivors.length).toBe(14);
  }, 60_000);
});

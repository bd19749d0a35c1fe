import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Contender, contenders, yardstick } from '../../bench/contenders.ts';
import type { LoadGenerator, LoadOptions } from '../../bench/load.ts';
import { type Outcome, race } from '../../bench/race.ts';
import { scenarios } from '../../bench/scenarios.ts';

const bare = contenders.find(({ name }) => name === yardstick)!;
const headline = scenarios.find(({ name }) => name === '1KiB-64')!;
const overTls = scenarios.find(({ tls }) => tls)!;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cupbearer-race-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Bare under another name and with more in its environment; not essential. */
function peer(name: string, env: Record<string, string> = {}): Contender {
  return {
    name,
    program: (place) => {
      const program = bare.program!(place);
      return { ...program, env: { ...program.env, ...env } };
    },
  };
}

/** Sees 100 requests whatever it is told to do; `fails` says which of the calls end in an error. */
function pretendedLoad(fails: (call: number, options: LoadOptions) => boolean = () => false): LoadGenerator {
  let calls = 0;
  return {
    name: 'wrk',
    run: async (options) => {
      if (fails(++calls, options)) throw new Error('Non-2xx or 3xx responses: 3');
      return { requests: 100, perSecond: 100, p50Micros: 1, p99Micros: 2 };
    },
  };
}

function run(
  scenario: typeof headline,
  taking: readonly Contender[],
  load = pretendedLoad(),
): Promise<Outcome> {
  return race({
    scenario: { ...scenario, rounds: 2, warm: 0 },
    contenders: taking,
    load,
    directory,
    source: true,
    signal: new AbortController().signal,
    progress: () => {},
  });
}

it('lets everybody take turns, and leaves out with a reason who does not start or fails in the last round', async () => {
  const absent: Contender = { name: 'absent', program: () => ({ command: '/nonexistent/proxy', args: [] }) };
  const load = pretendedLoad((call) => call === 6);
  const { samples, leftOut } = await run(headline, [absent, bare, peer('steady'), peer('late')], load);
  expect(samples.map(({ contender, round }) => [round, contender])).toEqual([
    [1, yardstick],
    [1, 'steady'],
    [2, yardstick],
    [2, 'steady'],
  ]);
  expect(leftOut).toEqual([expect.stringMatching(/^absent: .*ENOENT/), 'late: Non-2xx or 3xx responses: 3']);
});

it('fails when the yardstick does', async () => {
  const load = pretendedLoad((call) => call === 1);
  await expect(run(headline, [bare], load)).rejects.toThrow(`${yardstick}: Non-2xx`);
});

it('leaves out a peer that takes any certificate, and keeps one that verifies it', async () => {
  const gullible = peer('gullible', { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
  const { samples, leftOut } = await run(overTls, [bare, gullible]);
  expect(new Set(samples.map(({ contender }) => contender))).toEqual(new Set([yardstick]));
  expect(leftOut).toEqual(['gullible: does not verify the certificate of the upstream']);
});

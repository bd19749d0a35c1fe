import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { ContenderFigures, Figure, ScenarioResult } from '../../bench/results.ts';
import { coldStart } from '../../bench/targets/cold-start.ts';
import { cpuTargets } from '../../bench/targets/cpu.ts';
import { hotPath } from '../../bench/targets/hot-path.ts';
import type { Options } from '../../bench/targets/options.ts';
import { recovery } from '../../bench/targets/recovery.ts';

const directory = mkdtempSync(join(tmpdir(), 'cupbearer-targets-'));
let running = new AbortController();
afterEach(() => {
  running.abort();
  running = new AbortController();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const options = (): Options => ({
  signal: running.signal,
  directory,
  progress() {},
  quick: true,
  source: true,
});

describe('the targets of the benchmark, on a real `cupbearer serve`,', () => {
  it('are met by a cold start: a thousand first requests cause one token call', async () => {
    const { measured, met } = await coldStart(options());
    expect(measured).toContain('1 token call; 200: 1000;');
    expect(met).toBe(true);
  });

  it('are met while tokens are revoked under load: nobody sees the 401', async () => {
    const { measured, met } = await recovery(options());
    expect(measured).toMatch(/^200: \d+; 3 revocations, 3 token calls; \d+ answers of 401 by the upstream, /);
    expect(measured).toContain(' 0 seen by callers');
    expect(met).toBe(true);
  });

  it('are met by the steps that every request takes', async () => {
    for (const { name, measured, met } of await hotPath(options()))
      expect(met, `${name}: ${measured}`).toBe(true);
  });
});

describe('the targets for CPU time', () => {
  const exactly = (value: number): Figure => ({ median: value, low: value, high: value });
  const contender = (name: string, ratio: number): ContenderFigures => ({
    contender: name,
    ratio: exactly(ratio),
    perSecond: exactly(1),
    p50Micros: exactly(1),
    p99Micros: exactly(1),
  });
  const scenario = (name: string, ...contenders: ContenderFigures[]): ScenarioResult => ({
    name,
    title: '1 KiB answers, 64 connections',
    rounds: 1,
    seconds: 1,
    contenders,
  });
  const verdicts = (...contenders: ContenderFigures[]) =>
    cpuTargets([scenario('1KiB-64', ...contenders)]).map(({ met }) => met);

  it('compare with the yardstick, and with every other Node proxy and Caddy that took part', () => {
    const nginx = contender('nginx', 0.4);
    const caddy = contender('Caddy', 1.2);
    expect(verdicts(contender('cupbearer', 1.1), nginx, caddy)).toEqual([true, true]);
    expect(verdicts(contender('cupbearer', 1.25), nginx, caddy)).toEqual([true, false]);
    expect(verdicts(contender('cupbearer', 1.3), contender('httpxy', 2))).toEqual([false, true]);
    expect(verdicts(contender('cupbearer', 1.1), nginx)).toEqual([true]);
  });

  it('are none without the scenario they are measured in, or without Cupbearer in it', () => {
    expect(cpuTargets([scenario('64KiB-64', contender('cupbearer', 1))])).toEqual([]);
    expect(verdicts(contender('Caddy', 1.2))).toEqual([]);
  });
});

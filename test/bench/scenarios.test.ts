import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { checkScenarios } from '../../bench/check.ts';
import { contenders, yardstick } from '../../bench/contenders.ts';
import { type Options, readOptions } from '../../bench/options.ts';
import type { Figure, Results } from '../../bench/results.ts';
import { scenarios } from '../../bench/scenarios.ts';

const main = join(import.meta.dirname, '../../bench/main.ts');
const known = contenders.map(({ name }) => name);

function parts({ scenarios: wanted, targets, growth }: Options): readonly string[] {
  return [...wanted.map(({ name }) => name), ...(targets ? ['targets'] : []), ...(growth ? ['growth'] : [])];
}

function read(...args: string[]): Options {
  return readOptions(args) as Options;
}

function takers(options: Options): readonly string[] {
  const [scenario] = options.scenarios;
  return known.filter((name) => options.takesPart(name, scenario!));
}

describe('the scenarios', () => {
  it('have names of their own and know everybody they name, the yardstick among them', () => {
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
    for (const scenario of scenarios) {
      expect(known).toEqual(expect.arrayContaining([...scenario.contenders, ...scenario.guests]));
      expect(scenario.contenders).toContain(yardstick);
    }
  });

  it('are those that the baseline is made of, and the headline has everybody in it', () => {
    expect(scenarios.map(({ name }) => name)).toEqual(expect.arrayContaining([...checkScenarios]));
    const others = known.filter((name) => !name.startsWith('cupbearer, '));
    expect(scenarios.find(({ name }) => name === '1KiB-64')?.contenders).toEqual(others);
  });
});

describe('the options', () => {
  it('run everything into bench.json when there are none, and nothing less goes there', () => {
    const all = scenarios.map(({ name }) => name);
    expect(parts(read())).toEqual([...all, 'targets', 'growth']);
    expect(read().json).toMatch(/results\/bench\.json$/);
    for (const args of [
      ['--scenario', 'TLS'],
      ['--only', 'nginx'],
      ['--rounds', '1'],
      ['--growth'],
      ['--check'],
    ])
      expect(read(...args).json).toMatch(/results\/partial\.json$/);
  });

  it('run only the parts that are named', () => {
    expect(parts(read('--growth'))).toEqual(['growth']);
    expect(parts(read('--scenario', 'TLS,1KiB-1', '--targets'))).toEqual(['1KiB-1', 'TLS', 'targets']);
    expect(parts(read('--check'))).toEqual(
      scenarios.map(({ name }) => name).filter((name) => checkScenarios.includes(name)),
    );
  });

  it('keep the yardstick in, whoever is asked for, and let guests in', () => {
    expect(takers(read('--scenario', '64KiB', '--only', 'HONO'))).toEqual([yardstick, 'hono/proxy']);
    expect(takers(read('--scenario', '64KiB', '--only', 'cupbearer'))).toEqual([yardstick, 'cupbearer']);
  });

  it('replace rounds and seconds of the scenario', () => {
    const [scenario] = read('--scenario', '64KiB', '--rounds', '7', '--warm', '0').scenarios;
    expect(scenario).toMatchObject({ rounds: 7, seconds: 2, warm: 0 });
  });

  it.each([
    [['--scenario', 'nope'], /there is no nope/],
    [['--rounds', '0'], /--rounds must be a whole number of at least 1/],
    [['--seconds', '1.5'], /--seconds/],
    [['--load', 'hey'], /--load is wrk or autocannon/],
  ])('refuse %j', (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });
});

describe('npm run bench', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-bench-test-'));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('measures Cupbearer against the yardstick and writes what results.ts says', async () => {
    const json = join(directory, 'some.json');
    const short = ['--rounds', '1', '--seconds', '1', '--warm', '0'];
    const what = [
      '--scenario',
      '1KiB-1',
      '--only',
      'cupbearer',
      '--load',
      'autocannon',
      '--source',
      '--json',
      json,
    ];
    await promisify(execFile)(process.execPath, [main, ...short, ...what]);
    const results = JSON.parse(readFileSync(json, 'utf8')) as Results;
    expect(results).toMatchObject({
      load: 'autocannon',
      node: process.version,
      peers: [],
      targets: [],
      growth: [],
    });
    const [scenario, ...more] = results.scenarios;
    expect(more).toEqual([]);
    expect(scenario).toMatchObject({
      name: '1KiB-1',
      title: '1 KiB answers, 1 connection',
      rounds: 1,
      seconds: 1,
    });
    expect(scenario?.contenders.map(({ contender }) => contender).sort()).toEqual([yardstick, 'cupbearer']);
    for (const { contender, ...figures } of scenario?.contenders ?? []) {
      const names = ['cpuMicros', 'ratio', 'perSecond', 'p50Micros', 'p99Micros', 'rssBytes'];
      expect(Object.keys(figures), contender).toEqual(names);
      for (const { median, low, high } of Object.values(figures) as Figure[]) {
        expect(low).toBeLessThanOrEqual(median);
        expect(high).toBeGreaterThanOrEqual(median);
      }
      expect(figures.cpuMicros?.median).toBeGreaterThan(1);
      expect(figures.rssBytes?.median).toBeGreaterThan(20 * 2 ** 20);
    }
    expect(readFileSync(join(directory, 'some.md'), 'utf8')).toContain('| cupbearer ');
  });
});

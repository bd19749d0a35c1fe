// npm run bench: every contender in its own process, all in one run, rounds interleaved. See README.md beside this file.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { growthChart, scenarioChart } from './chart.ts';
import { baselineOf, check, parseBaseline } from './check.ts';
import { type Contender, contenders, yardstick } from './contenders.ts';
import { contenderFigures } from './figures.ts';
import { type LoadGenerator, loadGenerator } from './load.ts';
import { type Options, readOptions, usage } from './options.ts';
import { peerVersions } from './peers.ts';
import { type Race, race } from './race.ts';
import type { Results, ScenarioResult } from './results.ts';
import { markdown } from './table.ts';
import { cpuTargets } from './targets/cpu.ts';

const baselineFile = join(import.meta.dirname, 'baseline.json');
const progress = (line: string) => console.error(line);

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(usage);
  else report(await measure(options), options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** Runs every part that is wanted, one after the other. */
async function measure(options: Options): Promise<Results> {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-bench-'));
  const children = new AbortController();
  process.once('exit', () => {
    children.abort();
    rmSync(directory, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const common = {
    directory,
    signal: children.signal,
    progress,
    quick: options.quick,
    source: options.source,
  };
  const load = chosenLoad(options);
  const present = contenders.filter(isPresent);
  const takers = new Set<Contender>();
  const scenarios: ScenarioResult[] = [];
  for (const scenario of options.scenarios) {
    const taking = present.filter(({ name }) => options.takesPart(name, scenario));
    for (const one of taking) takers.add(one);
    scenarios.push(await scenarioResult({ ...common, scenario, contenders: taking, load }));
  }
  return {
    machine: `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown CPU'}`,
    node: process.version,
    load: load.name,
    peers: peerVersions([...takers]),
    scenarios,
    targets: options.targets
      ? [...cpuTargets(scenarios), ...(await (await import('./targets/run.ts')).targets(common))]
      : [],
    growth: options.growth ? await (await import('./growth/run.ts')).growth(common) : [],
  };
}

async function scenarioResult(options: Race): Promise<ScenarioResult> {
  const { name, title, rounds, seconds } = options.scenario;
  const directory = join(options.directory, name);
  mkdirSync(directory);
  const { samples, leftOut } = await race({ ...options, directory });
  const figures = contenderFigures(samples, yardstick);
  const notes = leftOut.length === 0 ? {} : { leftOut };
  return { name, title, rounds, seconds, contenders: figures, ...notes };
}

/** Writes the results and compares them with the baseline. */
function report(results: Results, options: Options): void {
  const base = options.json.replace(/\.json$/, '');
  const tables = markdown(results);
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(`${base}.md`, tables);
  if (results.scenarios.length > 0) writeFileSync(`${base}-scenarios.svg`, scenarioChart(results));
  if (results.growth.length > 0) writeFileSync(`${base}-growth.svg`, growthChart(results));
  process.stdout.write(`\n${tables}`);
  const baseline = parseBaseline(readFileSync(baselineFile, 'utf8'));
  if (options.check) {
    const isWanted = (name: string) => options.scenarios.some((scenario) => scenario.name === name);
    const { ok, text } = check(results, baseline, isWanted);
    process.stdout.write(`\n${text}`);
    if (!ok) process.exitCode = 1;
  }
  if (options.updateBaseline) {
    const { tolerance, ratios } = baselineOf(results, baseline.tolerance);
    const updated = { tolerance, ratios: { ...baseline.ratios, ...ratios } };
    writeFileSync(baselineFile, `${JSON.stringify(updated, null, 2)}\n`);
  }
}

function chosenLoad({ load: wanted }: Options): LoadGenerator {
  const chosen = loadGenerator((command) => wanted !== 'autocannon' && has(command));
  if (wanted !== undefined && chosen.name !== wanted) throw new Error(`${wanted} is not on the PATH`);
  return chosen;
}

function isPresent({ name, needs }: Contender): boolean {
  if (needs === undefined || has(needs.command)) return true;
  progress(`left out: ${name}: ${needs.command} is not on the PATH`);
  return false;
}

function has(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

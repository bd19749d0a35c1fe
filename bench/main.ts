// npm run bench: every contender in its own process, all in one run, rounds interleaved. See README.md beside this file.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { contenders, yardstick } from './contenders.ts';
import { loadGenerator } from './load.ts';
import { race } from './race.ts';
import { answerBytes } from './setting.ts';
import { markdown, rows } from './table.ts';

const usage = `npm run bench -- [options]

  --rounds N        rounds, each with every contender once (5)
  --seconds N       measured seconds a contender and round (4)
  --warm N          seconds of load before that, not measured (2)
  --connections N   keep-alive connections of the load (64)
  --only A,B        only contenders whose name contains A or B; bare always runs
  --json FILE       where the samples go; the table goes beside it (bench/results/bench.json)
`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    warm: { type: 'string', default: '2' },
    connections: { type: 'string', default: '64' },
    only: { type: 'string' },
    json: { type: 'string', default: join(import.meta.dirname, 'results/bench.json') },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else await bench();

async function bench(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-bench-'));
  const children = new AbortController();
  process.once('exit', () => {
    children.abort();
    rmSync(directory, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const wanted = contenders.filter(({ name }) => isWanted(name));
  const missing = wanted.filter(({ needs }) => needs !== undefined && !has(needs));
  for (const { name } of missing) console.error(`${name}: not on the PATH, left out`);
  const [rounds, seconds, warm, connections] = [
    positive('rounds'),
    positive('seconds'),
    positive('warm'),
    positive('connections'),
  ];
  const load = loadGenerator(has);
  const samples = await race({
    contenders: wanted.filter((one) => !missing.includes(one)),
    load,
    rounds,
    seconds,
    warm,
    connections,
    directory,
    signal: children.signal,
    progress: (line) => console.error(line),
  });

  const made = rows(samples, yardstick);
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, load by ${load.name}`;
  const scenario = `${answerBytes} byte answers, ${connections} keep-alive connections, ${rounds} rounds of ${seconds} s, medians`;
  const table = `${machine}\n${scenario}\n\n${markdown(made)}`;
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify({ machine, scenario, rows: made, samples }, null, 2)}\n`);
  writeFileSync(values.json.replace(/(\.json)?$/, '.md'), table);
  process.stdout.write(`\n${table}`);
}

function positive(name: 'rounds' | 'seconds' | 'warm' | 'connections'): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`--${name} must be a whole number above 0`);
  return value;
}

function has(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

function isWanted(name: string): boolean {
  if (values.only === undefined || name === yardstick) return true;
  return values.only.split(',').some((part) => name.toLowerCase().includes(part.trim().toLowerCase()));
}

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkScenarios } from './check.ts';
import { yardstick } from './contenders.ts';
import { type Scenario, scenarios } from './scenarios.ts';

/** What a run is to do. */
export interface Options {
  /** In the order of `scenarios`; rounds and seconds as asked for. */
  readonly scenarios: readonly Scenario[];
  readonly targets: boolean;
  readonly growth: boolean;
  /** Targets and growth with fewer points. */
  readonly quick: boolean;
  /** Whether a contender takes part in a scenario. */
  readonly takesPart: (contender: string, scenario: Scenario) => boolean;
  /** Whether to compare with the baseline. */
  readonly check: boolean;
  /** Whether to make the results the baseline. */
  readonly updateBaseline: boolean;
  /** Run Cupbearer from `src/`, which needs no build. */
  readonly source: boolean;
  /** Undefined: the best there is. */
  readonly load: 'wrk' | 'autocannon' | undefined;
  /** Where the results go; the tables go beside it. */
  readonly json: string;
}

export const usage = `npm run bench -- [options]

Without options: all scenarios, targets and growth, into bench/results/bench.json and bench.md.

  --scenario A,B    only these scenarios: ${scenarios.map(({ name }) => name).join(', ')}
  --targets         only the targets (with --scenario, --growth: these too)
  --growth          only the growth series (likewise)
  --only A,B        only contenders whose name contains A or B; bare always runs
  --rounds N        rounds, each with every contender once
  --seconds N       measured seconds a contender and round
  --warm N          seconds of load before that, not measured; 0 is none
  --quick           targets and growth with fewer points
  --check           compare with bench/baseline.json, exit 1 on a regression; alone it runs what it needs
  --update-baseline make the result of such a run the baseline
  --json FILE       where the results go; the tables go beside it (bench/results/partial.json, unless all runs as it is)
  --load NAME       wrk or autocannon (wrk when it is installed)
  --source          run Cupbearer from src/, without a build
`;

const results = join(import.meta.dirname, 'results');

/** Reads the command line; undefined when it asks for help. Throws a TypeError or RangeError that says what is wrong with it. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      targets: { type: 'boolean', default: false },
      growth: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warm: { type: 'string' },
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      'update-baseline': { type: 'boolean', default: false },
      json: { type: 'string' },
      load: { type: 'string' },
      source: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { targets, growth, quick, check, source } = values;
  const updateBaseline = values['update-baseline'];
  const compares = check || updateBaseline;
  const names = list(values.scenario) ?? (compares ? checkScenarios : undefined);
  const only = list(values.only) ?? (compares ? ['cupbearer'] : undefined);
  const hasParts = targets || growth;
  const isSelected = names !== undefined || only !== undefined || hasParts;
  const numbers = {
    rounds: count('rounds', values.rounds, 1) ?? (compares ? 5 : undefined),
    seconds: count('seconds', values.seconds, 1),
    warm: count('warm', values.warm, 0),
  };
  const asItIs = !isSelected && !quick && !source && Object.values(numbers).every((one) => one === undefined);
  const wantsScenarios = names !== undefined || only !== undefined || !hasParts;
  return {
    scenarios: wantsScenarios ? wanted(names).map((one) => ({ ...one, ...defined(numbers) })) : [],
    targets: targets || !isSelected,
    growth: growth || !isSelected,
    quick,
    takesPart: (contender, scenario) => takesPart(contender, scenario, only),
    check,
    updateBaseline,
    source,
    load: generator(values.load),
    json: values.json ?? join(results, asItIs ? 'bench.json' : 'partial.json'),
  };
}

function wanted(names: readonly string[] | undefined): readonly Scenario[] {
  if (names === undefined) return scenarios;
  for (const name of names) {
    if (!scenarios.some((scenario) => scenario.name === name))
      throw new RangeError(
        `--scenario: there is no ${name}; there are ${scenarios.map((one) => one.name).join(', ')}`,
      );
  }
  return scenarios.filter(({ name }) => names.includes(name));
}

function takesPart(name: string, scenario: Scenario, only: readonly string[] | undefined): boolean {
  const belongs = scenario.contenders.includes(name);
  if (name === yardstick || only === undefined) return belongs;
  const isMeant = only.some((part) => name.toLowerCase().includes(part.toLowerCase()));
  return isMeant && (belongs || scenario.guests.includes(name));
}

function generator(name: string | undefined): Options['load'] {
  if (name === undefined || name === 'wrk' || name === 'autocannon') return name;
  throw new RangeError(`--load is wrk or autocannon, not ${name}`);
}

function list(text: string | undefined): string[] | undefined {
  return text?.split(',').map((part) => part.trim());
}

function count(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} must be a whole number of at least ${least}`);
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

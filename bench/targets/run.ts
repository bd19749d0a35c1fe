import type { Target } from '../results.ts';
import { coldStart } from './cold-start.ts';
import { hotPath } from './hot-path.ts';
import { memory } from './memory.ts';
import type { Options } from './options.ts';
import { recovery } from './recovery.ts';
import { renewal } from './renewal.ts';
import { firstAnswer, idleMemory } from './start.ts';

type Measure = (options: Options) => Promise<Target | Target[]>;

const measures: Readonly<Record<string, Measure>> = {
  'start to first proxied answer': firstAnswer,
  'idle memory': idleMemory,
  'hot path': hotPath,
  'cold start': coldStart,
  '401 recovery under load': recovery,
  'renewal under load': renewal,
  'large bodies': memory,
};

/** Linux only. Measures each target; one that cannot be measured is not met. Rejects when `signal` aborts. */
export async function targets(options: Options): Promise<Target[]> {
  const found: Target[] = [];
  for (const [name, measure] of Object.entries(measures)) {
    for (const target of await measured(name, measure, options)) {
      found.push(target);
      options.progress(`${target.name}: ${target.measured}${target.met ? '' : ' (not met)'}`);
    }
  }
  return found;
}

async function measured(name: string, measure: Measure, options: Options): Promise<Target[]> {
  try {
    return [await measure(options)].flat();
  } catch (error) {
    options.signal.throwIfAborted();
    const why = `not measured: ${error instanceof Error ? error.message : error}`;
    return [{ name, budget: '', measured: why, met: false }];
  }
}

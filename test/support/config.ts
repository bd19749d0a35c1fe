import type { Config } from '../../src/config/config.ts';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';

/** A configuration text as it is read with this environment. Throws what is wrong with it. */
export function configOf(yaml: string, env: Readonly<Record<string, string>> = {}): Config {
  const { config, problems } = load(yaml, { file: 'routes.yaml', env, presets });
  if (config === undefined)
    throw new Error(problems.map((p) => `${p.line}:${p.column} ${p.path}: ${p.message}`).join('\n'));
  return config;
}

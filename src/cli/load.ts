import type { Config } from '../config/config.ts';
import { loadFile } from '../config/load.ts';
import { renderProblem } from '../config/problems.ts';
import { presets } from '../provider/presets.ts';
import { type CommandInput, configFile } from './command.ts';

/** The configuration a command line names; its problems go to standard error. Undefined: exit with 2. */
export function loadOrReport(input: Pick<CommandInput, 'options' | 'env' | 'err'>): Config | undefined {
  const { config, problems } = loadFile(configFile(input), { env: input.env, presets });
  for (const problem of problems) input.err(renderProblem(problem));
  const errors = problems.filter(({ level }) => level === 'error').length;
  if (errors > 1) input.err(`${errors} problems\n`);
  return config;
}

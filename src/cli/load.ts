import type { Config, Problem } from '../config/config.ts';
import { loadFile } from '../config/load.ts';
import { renderProblem } from '../config/problems.ts';
import { presets } from '../provider/presets.ts';
import { type CommandInput, configFile } from './command.ts';

type Input = Pick<CommandInput, 'options' | 'env' | 'err'>;

/** What a command line names: its configuration, or the text of a file that is not valid, where it can be read. */
export function loadAndReport(input: Input): {
  readonly config: Config | undefined;
  readonly text: string | undefined;
} {
  const { config, problems, text } = loadFile(configFile(input), { env: input.env, presets });
  report(problems, input);
  return { config, text };
}

/** The configuration a command line names; its problems go to standard error. Undefined: exit with 2. */
export function loadOrReport(input: Input): Config | undefined {
  return loadTextOrReport(input)?.config;
}

/** As `loadOrReport`, with the text and the name of the file. */
export function loadTextOrReport(input: Input): { config: Config; text: string; file: string } | undefined {
  const file = configFile(input);
  const { config, problems, text } = loadFile(file, { env: input.env, presets });
  report(problems, input);
  return config && text !== undefined ? { config, text, file } : undefined;
}

function report(problems: readonly Problem[], { err }: Input): void {
  for (const problem of problems) err(renderProblem(problem));
  const errors = problems.filter(({ level }) => level === 'error').length;
  if (errors > 1) err(`${errors} problems\n`);
}

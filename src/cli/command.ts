import { type ParseArgsConfig, parseArgs } from 'node:util';
import { CupbearerError } from '../errors.ts';
import type { TellCrash } from './crash.ts';
import { optionMistake, positionalMistake } from './mistake.ts';

/** 0 ok, 1 failed, 2 usage or configuration. */
export type ExitCode = 0 | 1 | 2;

/** One `--option`: what parseArgs needs of it and what `--help` says. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** Name of the value in `--help`: FILE. */
  readonly value?: string;
  /** What the value may be, where that is a short list. */
  readonly choices?: readonly string[];
  /** It may be given again and again; what was given is in `lists`. */
  readonly multiple?: true;
  readonly description: string;
}

/** What a command is given; it reaches for no global. */
export interface CommandInput {
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** Of options that may be given several times: all that was given, in order. */
  readonly lists: Readonly<Record<string, readonly string[] | undefined>>;
  readonly positionals: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output; no newline is added. */
  readonly out: (text: string) => void;
  /** Writes to standard error; no newline is added. */
  readonly err: (text: string) => void;
  /** Says who tells of an error that ends the process, instead of standard error. */
  readonly onCrash?: ((tell: TellCrash) => void) | undefined;
}

/** One command of the program. A file of `cli/` exports it as `command`. */
export interface Command {
  /** `explain METHOD URL` */
  readonly usage: string;
  /** One sentence. */
  readonly summary: string;
  /** Further paragraphs of `--help`. */
  readonly details?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** How many positionals must be given. */
  readonly positionals: number;
  /** It sends secrets to others, and does not run where the environment gives them away. */
  readonly sendsSecrets?: true;
  /** Throws CupbearerError; `usage` and `configuration-invalid` end with exit code 2, others with 1. */
  run(input: CommandInput): ExitCode | Promise<ExitCode>;
}

/** The option every command that reads routes.yaml has. */
export const configOption = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  description: 'The configuration. Default: $CUPBEARER_CONFIG, else routes.yaml',
} as const satisfies OptionSpec;

/** The configuration file an input names. */
export function configFile(input: Pick<CommandInput, 'options' | 'env'>): string {
  const given = input.options.config;
  if (typeof given === 'string' && given !== '') return given;
  return input.env.CUPBEARER_CONFIG || 'routes.yaml';
}

/** The option that every command has. */
export const helpOption: OptionSpec = { type: 'boolean', short: 'h', description: 'Show this help' };

/** Options and positionals of `args`. Throws CupbearerError `usage` for what the command does not know. */
export function parseCommandLine(
  command: Command,
  args: readonly string[],
): Pick<CommandInput, 'options' | 'lists' | 'positionals'> {
  const known = { ...command.options, help: helpOption };
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, spec] of Object.entries(known)) {
    const { type, short, multiple = false } = spec as OptionSpec;
    options[name] = short === undefined ? { type, multiple } : { type, multiple, short };
  }
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new CupbearerError('usage', optionMistake({ usage: command.usage, options: known }, error), {
      cause: error,
    });
  }
  if (parsed.values.help !== true && parsed.positionals.length !== command.positionals) {
    throw new CupbearerError('usage', positionalMistake(command, parsed.positionals));
  }
  const given = Object.entries(parsed.values);
  return {
    options: Object.fromEntries(
      given.filter(([, value]) => !Array.isArray(value)),
    ) as CommandInput['options'],
    lists: Object.fromEntries(given.filter(([, value]) => Array.isArray(value))) as CommandInput['lists'],
    positionals: parsed.positionals,
  };
}

/** The text of `cupbearer COMMAND --help`. */
export function renderHelp(command: Command): string {
  const rows = Object.entries({ ...command.options, help: helpOption }).map(([name, option]) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `;
    const value = option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : '';
    return [`  ${short}--${name}${value}`, option.description] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    `Usage: cupbearer ${command.usage} [options]`,
    '',
    command.summary,
    ...(command.details === undefined ? [] : ['', command.details.replace(/^\n+|\s+$/g, '')]),
    '',
    'Options:',
    ...rows.map(([left, right]) => left.padEnd(width) + right),
    '',
  ].join('\n');
}

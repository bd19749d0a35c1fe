import { CupbearerError } from '../errors.ts';
import { type LogFormat, type LogLevel, type LogSettings, logFormats, logLevels } from '../telemetry/log.ts';
import type { CommandInput } from './command.ts';

/** The options of commands that log. */
export const logOptions = {
  'log-level': {
    type: 'string',
    value: 'LEVEL',
    choices: logLevels,
    description: `One of ${logLevels.join(', ')}. Default: $CUPBEARER_LOG_LEVEL, else info`,
  },
  'log-format': {
    type: 'string',
    value: 'FORMAT',
    choices: logFormats,
    description: `One of ${logFormats.join(', ')}. Default: $CUPBEARER_LOG_FORMAT, else pretty on a terminal, else json`,
  },
  'log-sample': {
    type: 'string',
    value: 'RATE',
    description:
      'Share of ordinary requests that are logged, 0 to 1; failures always are. Default: $CUPBEARER_LOG_SAMPLE, else 1',
  },
} as const;

/** How to log, by arguments and environment. Throws CupbearerError `usage`, naming the option or the variable. */
export function logSettings({ options, env }: Pick<CommandInput, 'options' | 'env'>): LogSettings {
  const given = (option: keyof typeof logOptions, variable: string) =>
    options[option] === undefined
      ? { text: env[variable] || undefined, name: variable }
      : { text: String(options[option]), name: `--${option}` };
  const isTerminal = process.stdout.isTTY === true;
  const format = oneOf(given('log-format', 'CUPBEARER_LOG_FORMAT'), logFormats);
  return {
    level: oneOf<LogLevel>(given('log-level', 'CUPBEARER_LOG_LEVEL'), logLevels) ?? 'info',
    format: format ?? ((isTerminal ? 'pretty' : 'json') satisfies LogFormat),
    colour: isTerminal && !env.NO_COLOR,
    service: env.OTEL_SERVICE_NAME?.trim() || 'cupbearer',
    sampleRate: share(given('log-sample', 'CUPBEARER_LOG_SAMPLE')) ?? 1,
  };
}

interface Given {
  readonly text: string | undefined;
  /** Where it was given. */
  readonly name: string;
}

function oneOf<T extends string>({ text, name }: Given, known: readonly T[]): T | undefined {
  const found = known.find((one) => one === text);
  if (text !== undefined && found === undefined)
    throw new CupbearerError('usage', `${name} is one of ${known.join(', ')}`);
  return found;
}

function share({ text, name }: Given): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(?:0|1|0?\.\d+|[01]\.0*|0\.\d+)$/.test(text))
    throw new CupbearerError('usage', `${name} is a number from 0 to 1, such as 0.1`);
  return Number(text);
}

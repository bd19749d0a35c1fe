import { nearest } from '../config/suggest.ts';

interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly value?: string;
}

/** A command as far as its command line goes, `--help` among its options. */
interface Usage {
  readonly usage: string;
  readonly options: Readonly<Record<string, Option>>;
}

/** What is wrong with options, for a person: `error` is one of `parseArgs`, whose own words are advice for other programs. */
export function optionMistake({ options }: Usage, error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  const given = /'(?:-\w, )?(--?[^'\s=]+)/.exec(message)?.[1];
  if (given === undefined) return message;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const near = given.startsWith('--') ? nearest(given.slice(2), Object.keys(options)) : undefined;
    return `unknown option ${given}${near === undefined ? '' : `; did you mean --${near}?`}`;
  }
  const found = Object.entries(options).find(
    ([name, { short }]) => given === `--${name}` || given === `-${short}`,
  );
  if (found === undefined) return message;
  const [name, { type, value = 'VALUE' }] = found;
  if (type === 'boolean') return `--${name} takes no value`;
  const dashed = message.includes('ambiguous') ? `, or --${name}=${value} where it begins with -` : '';
  return `--${name} needs a value: --${name} ${value}${dashed}`;
}

/** What is wrong with the number of positionals. What was given is not repeated, unless it is a file's name: it may be a secret. */
export function positionalMistake({ usage, options }: Usage, given: readonly string[]): string {
  const names = usage.split(/\s+/).slice(1);
  const missing = names.slice(given.length);
  const said = `usage: cupbearer ${usage}`;
  if (missing.length > 0)
    return `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing; ${said}`;
  const file = given.find((word) => /\.ya?ml$/.test(word));
  if (file !== undefined && Object.hasOwn(options, 'config')) {
    return `the configuration is an option: --config ${file}; ${said}`;
  }
  return `${names.length === 0 ? 'no argument is taken' : 'too many arguments'}; ${said}`;
}

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { grantTypes } from '../provider/grant-type.ts';
import { presets } from '../provider/presets.ts';
import { type Command, configFile, helpOption, type OptionSpec } from './command.ts';

/** What may stand at the end of a command line. `files`: a file may, too. */
export interface Candidates {
  readonly words: readonly string[];
  readonly files: boolean;
}

/** The commands by name. */
export type CommandTable = Readonly<Record<string, { load: () => Promise<{ command: Command }> }>>;

type Env = Readonly<Record<string, string | undefined>>;

/** What the last of `words` (those after the program's name) may become. */
export async function candidates(
  words: readonly string[],
  table: CommandTable,
  env: Env,
): Promise<Candidates> {
  const [name = '', ...rest] = words;
  const last = words.at(-1) ?? '';
  const names = Object.keys(table);
  if (words.length <= 1) return among([...names, 'help', '--help', '--version'], last);
  if (name === 'help') return among(names, last);
  const entry = Object.hasOwn(table, name) ? table[name] : undefined;
  if (entry === undefined) return none;
  const { command } = await entry.load();
  const specs: Readonly<Record<string, OptionSpec>> = { ...command.options, help: helpOption };
  const before = rest.slice(0, -1);
  const pending = optionOf(before.at(-1) ?? '', specs);
  if (pending?.choices !== undefined) return among(pending.choices, last);
  if (pending?.type === 'string') return valuesOf(pending.value ?? '', last, before, env);
  if (last.startsWith('-'))
    return among(
      Object.keys(specs).map((option) => `--${option}`),
      last,
    );
  const given = before.filter(
    (word, at) => !word.startsWith('-') && optionOf(before[at - 1] ?? '', specs)?.type !== 'string',
  );
  const wanted = command.usage
    .split(/\s+/)
    .slice(1)
    .filter((word) => /^[A-Za-z]/.test(word))[given.length];
  return wanted === undefined ? none : valuesOf(wanted, last, before, env);
}

const none: Candidates = { words: [], files: false };

/** The values of something by the name that `--help` gives it: FILE, CREDENTIAL, bash|zsh|fish. */
function valuesOf(name: string, last: string, before: readonly string[], env: Env): Candidates {
  if (name.includes('|')) return among(name.split('|'), last);
  switch (name) {
    case 'FILE':
    case 'PATH':
      return { words: [], files: true };
    case 'CREDENTIAL':
      return among(Object.keys(section('credentials', before, env)), last);
    case 'URL':
      return among(Object.keys(section('routes', before, env)), last);
    case 'METHOD':
      return among(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'], last);
    case 'PROVIDER':
      return among(Object.keys(presets), last);
    case 'GRANT':
      return among(
        grantTypes.map((grant) => grant.slice(grant.lastIndexOf(':') + 1)),
        last,
      );
    default:
      return none;
  }
}

/** The option a word is, when its value is the next word. */
function optionOf(word: string, specs: Readonly<Record<string, OptionSpec>>): OptionSpec | undefined {
  if (/^--[^=]+$/.test(word)) return Object.hasOwn(specs, word.slice(2)) ? specs[word.slice(2)] : undefined;
  return /^-[^-]$/.test(word) ? Object.values(specs).find(({ short }) => short === word.slice(1)) : undefined;
}

/** A section of the configuration as it is written, without a look at what it says; empty when there is none. */
function section(name: string, before: readonly string[], env: Env): object {
  const at = before.findLastIndex((word) => word === '-c' || word === '--config');
  const config = at < 0 ? undefined : before[at + 1];
  try {
    const root: unknown = parse(readFileSync(configFile({ options: { config }, env }), 'utf8'), {
      logLevel: 'silent',
    });
    const found = (root as Record<string, unknown> | null)?.[name];
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {};
  }
}

/** What a shell takes as it is written: bash puts a candidate on the line without quotes, and the file may be anybody's. */
const inert = /^[\w.~:/@%+,=-]+$/;

function among(words: readonly string[], last: string): Candidates {
  return { words: words.filter((word) => word.startsWith(last) && inert.test(word)), files: false };
}

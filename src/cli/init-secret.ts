import { CupbearerError } from '../errors.ts';
import type { CommandInput } from './command.ts';
import type { Choose } from './init-question.ts';

/** The secrets that are better kept in a file: they have several lines, or somebody else writes them. */
const inFiles: readonly string[] = ['private_key', 'assertion', 'subject_token'];
const others = ['client_secret', 'refresh_token', 'password', 'token', 'client_assertion'];

/** Whether a key of a credential holds a secret. */
export function isSecret(key: string): boolean {
  return inFiles.includes(key) || others.includes(key);
}

/** Gives each secret its place: the options name that of the first. Throws `usage`. */
export function secretPlaces(
  credential: string,
  options: CommandInput['options'],
  choose: Choose,
): (key: string) => Promise<string> {
  let file = textOf(options, 'secret-file');
  let variable = textOf(options, 'secret-env');
  if (file !== undefined && variable !== undefined)
    throw new CupbearerError(
      'usage',
      'a secret is in a file or in a variable: --secret-file or --secret-env',
    );
  for (const [name, fault] of [
    ['secret-file', file && placeFault(`./${file}`)],
    ['secret-env', variable && placeFault(variable)],
  ] as const) {
    if (fault) throw new CupbearerError('usage', `--${name}: ${fault}`);
  }
  return async (key) => {
    const chosen = file ?? variable;
    const isFile = file !== undefined;
    file = undefined;
    variable = undefined;
    if (chosen !== undefined) return isFile ? `\${file:${chosen}}` : `\${${chosen}}`;
    const suggested = inFiles.includes(key)
      ? `/run/secrets/${credential}`
      : `${variableOf(credential)}_${key.toUpperCase()}`;
    const answer = await choose({
      text: `Where the ${key} is: an environment variable (CAPITALS) or a file (/path)`,
      suggested,
      fault: placeFault,
    });
    return answer.includes('/') ? `\${file:${answer}}` : `\${${answer}}`;
  };
}

function placeFault(answer: string): string | undefined {
  if (/^[A-Z_][A-Z0-9_]*$/.test(answer) || /^\.{0,2}\/[^${}\s]+$/.test(answer)) return undefined;
  return 'name the place, not the secret: an environment variable in CAPITALS, or the path of a file';
}

/** The beginning of a credential's environment variables: `REVO_DIGITAL`. */
export function variableOf(credential: string): string {
  return credential
    .toUpperCase()
    .replaceAll(/\W/g, '_')
    .replace(/^(?=\d)/, '_');
}

/** The text of an option; undefined when it is not given or empty. */
export function textOf(options: CommandInput['options'], name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

import { existsSync } from 'node:fs';
import { dirname, isAbsolute, relative } from 'node:path';
import { parseDocument, visit } from 'yaml';
import { shellWord } from '../config/file-mode.ts';
import { filesOf, interpolate, variablesOf } from '../config/interpolate.ts';
import type { Draft } from './init-draft.ts';

export interface Setting {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Name of the configuration file. */
  readonly file: string;
}

/** The environment variables and files that the values of a configuration name and that are not there. */
export function missingIn(text: string, { env, file }: Setting): { variables: string[]; files: string[] } {
  const values: string[] = [];
  visit(parseDocument(text), {
    Scalar: (_, { value }) => void (typeof value === 'string' && values.push(value)),
  });
  const readFile = (path: string) => {
    if (!existsSync(path)) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
    return '';
  };
  const reasons = values.flatMap((value) => {
    const result = interpolate(value, { file, env, readFile });
    return result.ok ? [] : result.reasons;
  });
  const named = (pattern: RegExp) => [
    ...new Set(reasons.flatMap((reason) => pattern.exec(reason)?.[1] ?? [])),
  ];
  return {
    variables: named(/^the environment variable (\w+) is not set/),
    files: named(/^cannot read the file (.+): there is no such file/).map(shorter),
  };
}

/** A path under the working directory without it. */
function shorter(path: string): string {
  const short = relative('.', path);
  return short.startsWith('..') || isAbsolute(short) ? path : short;
}

const secret = /(?:SECRET|PASSWORD|TOKEN|KEY|ASSERTION)$/;

/** What to do next, in order, as commands for a shell. */
export function nextCommands(draft: Draft, text: string, setting: Setting): string[] {
  const program = setting.env.npm_command === 'exec' ? 'npx cupbearer' : 'cupbearer';
  const named = setting.file === 'routes.yaml' ? '' : ` -c ${shellWord(setting.file)}`;
  const { variables, files } = missingIn(text, setting);
  const { credential, prefix, grant, store } = draft;
  const keyPlaces =
    store === undefined ? [] : [...variablesOf(store.key), ...filesOf(store.key, setting).map(shorter)];
  const login = grant === 'authorization_code' || grant.endsWith(':device_code');
  return [
    ...[...new Set(files.map(dirname))]
      .filter((directory) => !existsSync(directory))
      .map((directory) => `mkdir -p -m 700 ${shellWord(directory)}`),
    ...files.map((path) =>
      keyPlaces.includes(path)
        ? `(umask 077; openssl rand -base64 32 > ${shellWord(path)})`
        : `(umask 077; cat > ${shellWord(path)})   # paste it, then Enter and Ctrl+D`,
    ),
    ...variables.map((name) =>
      keyPlaces.includes(name)
        ? `export ${name}="$(openssl rand -base64 32)"   # keep it`
        : secret.test(name)
          ? // What is typed behind a command stays in the history of the shell.
            `read -rs ${name} && export ${name}   # paste it, then Enter`
          : `export ${name}=…`,
    ),
    `${program} check${named}`,
    ...(login && store !== undefined ? [`${program} login${named} ${credential}`] : []),
    `${program} serve${named}`,
    `curl http://127.0.0.1:8080${prefix === '/' ? '' : prefix}/…`,
  ];
}

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { presets } from '../../src/provider/presets.ts';
import { bareEnvironment } from '../support/bare-environment.ts';
import { cupbearer } from './config-file.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

let directory: string;
let config: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'cupbearer-completion-'));
  config = join(directory, 'routes.yaml');
  writeFileSync(
    config,
    'credentials: { realer: { provider: realer }, billing: {}, "two words": {} }\nroutes: { /realer: {}, /bills/v1: {} }\n',
  );
  const program = join(directory, 'cupbearer');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(program, 0o755);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What may stand at the end of a command line. */
async function offered(...words: string[]): Promise<string[]> {
  const { code, out, err } = await cupbearer(['candidates', '--', ...words], { CUPBEARER_CONFIG: config });
  expect([code, err]).toEqual([0, '']);
  return out.split('\n').filter((line) => line !== '');
}

describe('the candidates of a command line', () => {
  it('are the commands that help lists, and no internal one', async () => {
    const { out } = await cupbearer(['--help']);
    const commands = [...out.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name = '']) => name);
    expect(commands).toContain('completion');
    expect(await offered('')).toEqual([...commands, 'help', '--help', '--version']);
    expect(await offered('sch')).toEqual(['schema']);
    expect(await offered('help', 'to')).toEqual(['token']);
    expect(await offered('help')).not.toContain('worker');
  });

  it.each(['serve', 'check', 'explain', 'login', 'init', 'status'])(
    'are every option in the help of %s',
    async (name) => {
      const { out } = await cupbearer([name, '--help']);
      const options = [...out.matchAll(/^ {2}(?:-\w, | {4})(--[a-z-]+)/gm)].map(([, option = '']) => option);
      expect(options).toContain('--help');
      expect(await offered(name, '--')).toEqual(options);
    },
  );

  it('are names of routes.yaml where a credential or a URL is wanted', async () => {
    expect(await offered('token', '')).toEqual(['realer', 'billing']);
    expect(await offered('login', '--no-browser', 're')).toEqual(['realer']);
    expect(await offered('revoke', '--tenant', 'billing', 'b')).toEqual(['billing']);
    expect(await offered('explain', 'P')).toEqual(['POST', 'PUT', 'PATCH']);
    expect(await offered('explain', 'GET', '/b')).toEqual(['/bills/v1']);
    expect(await offered('token', 'realer', '')).toEqual([]);
  });

  it('are no names that a shell would obey', async () => {
    const hostile = join(directory, 'hostile.yaml');
    const names = [
      'a;id',
      '$(id)',
      '`id`',
      'a|b',
      'a&b',
      'a>b',
      "a'b",
      'a"b',
      'a\\b',
      'a b',
      'a*',
      '{a,b}',
      '!a',
    ];
    writeFileSync(
      hostile,
      JSON.stringify({ credentials: Object.fromEntries([...names, 'a.b-c'].map((one) => [one, {}])) }),
    );
    const { out } = await cupbearer(['candidates', '--', 'token', '--config', hostile, '']);
    expect(out).toBe('a.b-c\n');
  });

  it('come from the file that --config names', async () => {
    const words = ['candidates', '--', 'token'];
    expect((await cupbearer([...words, '--config', config, ''])).out).toBe('realer\nbilling\n');
    expect((await cupbearer([...words, '-c', '/nowhere/routes.yaml', ''])).out).toBe('');
  });

  it('are the values of an option', async () => {
    expect(await offered('init', '--provider', 'real')).toEqual(
      Object.keys(presets).filter((name) => name.startsWith('real')),
    );
    expect(await offered('init', '--grant-type', 'c')).toEqual(['client_credentials']);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(await offered('serve', '--log-format', '')).toEqual(['json', 'ecs', 'pretty']);
    expect(await offered('serve', '--log-level', 'w')).toEqual(['warn']);
    expect(await offered('check', '-c', '')).toEqual([':files']);
  });

  it('are none for what the program does not know', async () => {
    expect(await offered('nonsense', '')).toEqual([]);
    expect(await offered('constructor', '')).toEqual([]);
  });
});

/** What bash puts into COMPREPLY at the end of each line, with the script of the program. */
function inBash(...lines: string[]): string[][] {
  const asks = lines.map(
    (line) => `COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}
      IFS=$' \\t\\n' read -ra COMP_WORDS <<<"$COMP_LINE"; [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); COMPREPLY=(); _cupbearer; printf '%s\\n' "\${COMPREPLY[*]}"`,
  );
  const { stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '-c', `eval "$(cupbearer completion bash)" && complete -p cupbearer >&2\n${asks.join('\n')}`],
    {
      cwd: directory,
      encoding: 'utf8',
      env: { ...bareEnvironment(), PATH: [directory, process.env.PATH].join(delimiter) },
    },
  );
  expect(stderr).toBe('complete -F _cupbearer cupbearer\n');
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '));
}

describe('cupbearer completion bash', () => {
  it('completes commands, options, credentials, routes and files in bash', () => {
    const [commands, options, credentials, routes, files] = inBash(
      'cupbearer s',
      'cupbearer token --ten',
      'cupbearer login ',
      'cupbearer explain GET /r',
      'cupbearer check --config rou',
    );
    expect(commands).toEqual(['serve', 'status', 'schema']);
    expect(options).toEqual(['--tenant']);
    expect(credentials).toEqual(['realer', 'billing']);
    expect(routes).toEqual(['/realer']);
    expect(files).toEqual(['routes.yaml']);
  });
});

describe('cupbearer completion', () => {
  it.each(['bash', 'zsh', 'fish'])('prints a script for %s that asks the program', async (shell) => {
    const { code, out } = await cupbearer(['completion', shell]);
    expect(code).toBe(0);
    expect(out).toContain(' candidates -- ');
    const parser = spawnSync(shell, ['-n'], { input: out, encoding: 'utf8' });
    // Only bash is sure to be here.
    if (parser.error === undefined) expect([parser.status, parser.stderr]).toEqual([0, '']);
    else expect(shell).not.toBe('bash');
  });

  it('refuses another shell', async () => {
    const { code, err } = await cupbearer(['completion', 'bahs']);
    expect([code, err]).toEqual([2, expect.stringContaining('did you mean `bash`?')]);
  });
});

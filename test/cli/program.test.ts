import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cupbearer } from './config-file.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'src/main.ts');
const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
const names = [
  'serve',
  'init',
  'check',
  'explain',
  'login',
  'status',
  'token',
  'revoke',
  'schema',
  'completion',
  'demo',
];

describe('cupbearer', () => {
  it('without a command shows its help as a mistake', async () => {
    const { code, out, err } = await cupbearer([]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^Usage: cupbearer COMMAND/);
  });

  it.each([['--help'], ['-h'], ['help']])('%s lists every command', async (option) => {
    const { code, out } = await cupbearer([option]);
    expect(code).toBe(0);
    for (const name of names) expect(out).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
  });

  it.each(names)('%s has help of its own, asked for in any way', async (name) => {
    const { code, out } = await cupbearer([name, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^Usage: cupbearer ${name}\\b`));
    expect(out).toContain('-h, --help');
    expect((await cupbearer([name, '-h'])).out).toBe(out);
    expect((await cupbearer(['help', name])).out).toBe(out);
  });

  it.each([['--version'], ['-v']])('%s shows the version', async (option) => {
    expect(await cupbearer([option])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it.each([
    [['chek'], 'cupbearer: unknown command "chek"; did you mean check?\nSee: cupbearer --help\n'],
    [['toString'], 'cupbearer: unknown command "toString"\nSee: cupbearer --help\n'],
    [['help', 'shema'], 'cupbearer: unknown command "shema"; did you mean schema?\nSee: cupbearer --help\n'],
    [
      ['explain', 'GET'],
      'cupbearer: URL is missing; usage: cupbearer explain METHOD URL\nSee: cupbearer explain --help\n',
    ],
    [
      ['check', 'x'],
      'cupbearer: no argument is taken; usage: cupbearer check\nSee: cupbearer check --help\n',
    ],
    [
      ['check', 'here.yaml'],
      'cupbearer: the configuration is an option: --config here.yaml; usage: cupbearer check\nSee: cupbearer check --help\n',
    ],
    [
      ['token', 'a', 'b'],
      'cupbearer: too many arguments; usage: cupbearer token CREDENTIAL\nSee: cupbearer token --help\n',
    ],
  ])('refuses %j', async (args, err) => {
    expect(await cupbearer(args)).toEqual({ code: 2, out: '', err });
  });

  it('refuses an unknown option', async () => {
    const { code, err } = await cupbearer(['check', '--colour']);
    expect(code).toBe(2);
    expect(err).toBe('cupbearer: unknown option --colour\nSee: cupbearer check --help\n');
  });

  it.each([
    [['check', '--onlin'], 'unknown option --onlin; did you mean --online?'],
    [['check', '-x'], 'unknown option -x'],
    [['check', '-c'], '--config needs a value: --config FILE'],
    [['check', '--config'], '--config needs a value: --config FILE'],
    [
      ['check', '-c', '--online'],
      '--config needs a value: --config FILE, or --config=FILE where it begins with -',
    ],
    [['check', '--online=yes'], '--online takes no value'],
    [['check', '--help=yes'], '--help takes no value'],
    [['token', '--clientsecret=hunter2-hunter2'], 'unknown option --clientsecret'],
  ])('says what is wrong with the options of %j', async (args, said) => {
    expect(await cupbearer(args)).toEqual({
      code: 2,
      out: '',
      err: `cupbearer: ${said}\nSee: cupbearer ${args[0]} --help\n`,
    });
  });
});

describe('the program itself', () => {
  it('ends with the exit code of its command', () => {
    const good = spawnSync(process.execPath, [main, '--version'], { encoding: 'utf8' });
    expect([good.status, good.stdout, good.stderr]).toEqual([0, `${version}\n`, '']);
    const bad = spawnSync(process.execPath, [main, 'check', '-c', '/nowhere/routes.yaml'], {
      encoding: 'utf8',
    });
    expect([bad.status, bad.stdout]).toEqual([2, '']);
    expect(bad.stderr).toMatch(/^\/nowhere\/routes\.yaml: cannot read the configuration/);
  });

  it('writes all of a long answer into a pipe', () => {
    const { stdout } = spawnSync(process.execPath, [main, 'schema'], { encoding: 'utf8' });
    expect(stdout).toBe(readFileSync(join(root, 'routes.schema.json'), 'utf8'));
  });

  it('is not upset by a reader that stops reading', async () => {
    const child = spawn(process.execPath, [main, 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (data) => {
      err += data;
    });
    const [code] = await once(child, 'close');
    expect([code, err]).toEqual([0, '']);
  });
});

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { converse, LeftEarly } from '../../src/cli/init-terminal.ts';
import { bareEnvironment } from '../support/bare-environment.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

describe('a conversation', () => {
  function talk() {
    const input = new PassThrough();
    const output = new PassThrough();
    let shown = '';
    output.setEncoding('utf8').on('data', (text) => {
      shown += text;
    });
    return { input, person: converse(input, output), shown: () => shown };
  }
  const question = {
    text: 'Which',
    suggested: 'this',
    fault: (answer: string) => (answer.startsWith('t') ? undefined : 'write one with a t'),
  };

  it('takes what is typed, and what is suggested for nothing', async () => {
    const { input, person } = talk();
    input.write('that\n\n');
    expect(await person.choose(question)).toBe('that');
    expect(await person.choose(question)).toBe('this');
    person.end();
  });

  it('asks again until the answer will do', async () => {
    const { input, person, shown } = talk();
    input.write('other\nthat\n');
    expect(await person.choose(question)).toBe('that');
    expect(shown().match(/Which \[this\]: /g)).toHaveLength(2);
    expect(shown()).toContain('  write one with a t\n');
    person.end();
  });

  it.each([
    ['Ctrl+C', '\x03'],
    ['Ctrl+D', '\x04'],
  ])('ends with %s', async (_, key) => {
    const { input, person } = talk();
    const answer = person.choose(question);
    input.write(key);
    await expect(answer).rejects.toBeInstanceOf(LeftEarly);
  });
});

/** The `script` of util-linux runs a command at a terminal of its own. */
const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

describe.runIf(hasScript)('cupbearer init at a terminal', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-init-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Answers each question as soon as it is asked; gives the exit code and what was shown. */
  async function answer(...turns: readonly [asked: RegExp, typed: string][]) {
    const command = `'${process.execPath}' '${main}' init`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: directory,
      env: { ...bareEnvironment(), TERM: 'dumb' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close');
    let shown = '';
    let seen = 0;
    const left = [...turns];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      shown += text;
      const [next] = left;
      if (next === undefined || !next[0].test(shown.slice(seen))) return;
      seen = shown.length;
      left.shift();
      child.stdin.write(next[1]);
    });
    const [code] = await ended;
    return { code, shown };
  }

  it('asks for what it needs and writes the file', async () => {
    const { code, shown } = await answer(
      [/Vendor; .*: /, 'spotify\n'],
      [/prefix .*: /, '/acme\n'],
      [/tokens are had .*: /, '\n'],
      [/client_id.*: /, '\n'],
      [/client_secret .*: /, './secrets/acme\n'],
    );
    expect([code, shown]).toEqual([0, expect.stringContaining('Wrote routes.yaml')]);
    expect(parse(readFileSync(join(directory, 'routes.yaml'), 'utf8'))).toMatchObject({
      credentials: { spotify: { client_secret: '${file:./secrets/acme}' } },
      routes: { '/acme': { credential: 'spotify' } },
    });
  });

  it.each([
    ['Ctrl+C', '\x03'],
    ['Ctrl+D', '\x04'],
  ])('leaves nothing behind on %s', async (_, key) => {
    const { code, shown } = await answer([/Vendor; .*: /, 'realer\n'], [/prefix .*: /, key]);
    expect([code, readdirSync(directory)]).toEqual([1, []]);
    expect(shown).toContain('nothing was written');
  });
});

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { bareEnvironment } from '../support/bare-environment.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const pages = ['README.md', ...globSync('docs/*.md', { cwd: root })];

/** The first block of a language under a heading of the README. */
function block(heading: string, language: string): string {
  const section = readme.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';
}

/** A text as a regular expression that matches it alone. */
function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

describe('the README, followed to the letter on a machine without internet', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-walk-'));
    mkdirSync(join(directory, 'bin'));
    // What npx does once the package is installed.
    const main = join(root, 'src/main.ts');
    const shim = `#!/bin/sh\n[ "$1" = cupbearer ] || exit 127\nshift\nexec '${process.execPath}' '${main}' "$@"\n`;
    writeFileSync(join(directory, 'bin/npx'), shim, { mode: 0o755 });
    path = [join(directory, 'bin'), process.env.PATH].join(delimiter);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('leads from nothing to a first call, with the output it shows', async () => {
    const script = block('From nothing to a first call', 'sh');
    expect(script).toContain('npx cupbearer init');
    const end = '\nkill $(jobs -p)\nwait\n';
    // The ports of the block are those of nobody else in a network of its own.
    const alone = spawnSync('unshare', ['-rn', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
    const [command, ...args] = alone
      ? ['unshare', '-rn', 'bash', '-c', `ip link set lo up\n${script}${end}`]
      : ['bash', '-c', script + end];
    const child = spawn(command as string, args, {
      cwd: directory,
      env: { ...bareEnvironment(), PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      err += text;
    });
    await once(child, 'close');
    const shown = block('From nothing to a first call', 'text').trim().split('…\n');
    const pattern = shown.map((part) => part.split('…').map(literally).join('[^\\n]*')).join('[\\s\\S]*');
    expect(out, err).toMatch(new RegExp(`^${pattern}\\n?$`));
    expect(err).toBe('');
  }, 60_000);
});

/** Every command line of the program on the pages: in blocks, and in `code`. */
const commandLines = pages.flatMap((page) => {
  // In a container that is called cupbearer, too.
  const text = readFileSync(join(root, page), 'utf8').replace(
    /cupbearer (?:-- )?node \S+\/main\.js/g,
    'cupbearer',
  );
  const blocks = [...text.matchAll(/^```(?:sh|bash|console)?\n([\s\S]*?)^```/gm)].flatMap(([, code = '']) =>
    code.split('\n'),
  );
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return [...blocks, ...inline].flatMap((line) =>
    [...line.matchAll(/(?:^|[\s(;&|"])cupbearer ((?:[a-z-]+|--version|--help)(?: [^#&|>;`)]*)?)/g)].map(
      ([, rest = '']): [string, string] => [page, rest.trim()],
    ),
  );
});

describe('the command lines of the README and the docs', () => {
  it('are there', () => {
    expect(commandLines.length).toBeGreaterThan(20);
  });

  it.each([...new Map(commandLines.map((one) => [one[1], one])).values()])(
    '%s: cupbearer %s',
    async (_, line) => {
      const [name = '', ...words] = line.split(/\s+/);
      let help = '';
      const code = await run([...(name.startsWith('-') ? [] : [name]), '--help'], {
        env: {},
        out: (text) => {
          help += text;
        },
        err: () => {},
      });
      expect(code).toBe(0);
      const options = words.flatMap((word) => /^\[?(--?[a-z][a-z-]*)/.exec(word)?.[1] ?? []);
      const known = new Set(
        [...help.matchAll(/(?:^|\s)(--?[a-z][a-z-]*)\b/g)].map(([, option = '']) => option),
      );
      expect(options.filter((option) => !known.has(option))).toEqual([]);
    },
  );
});

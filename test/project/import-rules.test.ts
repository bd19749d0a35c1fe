import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { longFiles, violations } from '../../scripts/import-rules.ts';
import { readSource } from '../../scripts/source-file.ts';

/** `path:line: message` for each broken rule of a made-up src/. */
function check(sources: Record<string, string>): string[] {
  const files = Object.entries(sources).map(([path, source]) => readSource(path, source));
  return violations(files).map(({ path, line, message }) => `${path}:${line}: ${message}`);
}

const leaf = { 'errors.ts': '', 'config/config.ts': '', 'token/token.ts': '', 'store/store.ts': '' };

describe('the rooms of src/', () => {
  it('holds for the real source', () => {
    const src = join(import.meta.dirname, '../../src');
    const paths = globSync('**/*.ts', { cwd: src, exclude: ['**/*.d.ts'] });
    expect(paths.length).toBeGreaterThan(20);
    const sources = Object.fromEntries(paths.map((path) => [path, readFileSync(join(src, path), 'utf8')]));
    expect(check(sources)).toEqual([]);
  });

  it('names the line of an import into a room that is closed', () => {
    const source = "import { b } from '../errors.ts';\nimport type {\n  A,\n} from '../token/token.ts';\n";
    expect(check({ ...leaf, 'config/load.ts': source })).toEqual([
      'config/load.ts:2: config must not import token',
    ]);
  });

  it('lets gateway, admin and token have types where values are closed to them', () => {
    const types =
      "import type { A } from '../config/config.ts';\nimport { type B } from '../config/config.ts';\n";
    expect(check({ ...leaf, 'gateway/a.ts': types, 'token/a.ts': types, 'admin/a.ts': types })).toEqual([]);
    const value = "import { type A, b } from '../config/config.ts';\n";
    expect(check({ ...leaf, 'gateway/a.ts': value })).toEqual([
      'gateway/a.ts:1: gateway may import only types from config; write "import type"',
    ]);
  });

  it('lets errors.ts import nothing and lets nobody import cli or main', () => {
    const broken = check({
      'errors.ts': "import './token/token.ts';\n",
      'token/token.ts': "import { run } from '../cli/serve.ts';\nexport * from '../main.ts';\n",
      'cli/serve.ts': '',
      'main.ts': '',
    });
    expect(broken).toEqual([
      'errors.ts:1: errors must not import token',
      'token/token.ts:1: token must not import cli',
      'token/token.ts:2: token must not import main',
    ]);
  });

  it('lets only the demo command into demo', () => {
    const source = "const tour = await import('../demo/tour.ts');\n";
    expect(check({ 'demo/tour.ts': '', 'cli/demo.ts': source, 'cli/serve.ts': source })).toEqual([
      'cli/serve.ts:1: cli must not import demo',
    ]);
  });

  it('lets only telemetry import pino', () => {
    const source = "import { pino } from 'pino';\n";
    expect(check({ 'telemetry/log.ts': source, 'gateway/edge.ts': source })).toEqual([
      'gateway/edge.ts:1: only telemetry/ imports pino',
    ]);
  });

  it('lets only demo import ws, so that serve never loads it', () => {
    const source = "import { WebSocket } from 'ws';\n";
    expect(check({ 'demo/hub-tour.ts': source, 'gateway/tunnel.ts': source })).toEqual([
      'gateway/tunnel.ts:1: only demo/ imports ws',
    ]);
  });

  it('finds a cycle that is closed by types alone', () => {
    const broken = check({
      'token/a.ts': "import { b } from './b.ts';\n",
      'token/b.ts': "import { c } from './c.ts';\n",
      'token/c.ts': "\nimport type { A } from './a.ts';\n",
    });
    expect(broken).toEqual(['token/c.ts:2: cycle: token/a.ts → token/b.ts → token/c.ts → token/a.ts']);
  });

  it('refuses files that are missing, lack .ts or lie outside src', () => {
    const source = "import './gone.ts';\nimport './token';\nimport '../../package.json';\n";
    expect(check({ 'token/a.ts': source, 'token/token.ts': '' })).toEqual([
      'token/a.ts:1: ./gone.ts is no file of src/; imports end in .ts',
      'token/a.ts:2: ./token is no file of src/; imports end in .ts',
      'token/a.ts:3: ../../package.json is outside src/',
    ]);
  });

  it('refuses rooms and file names that say nothing', () => {
    const broken = check({
      'token/index.ts': '',
      'token/url-utils.ts': '',
      'shared/a.ts': '',
      'token/serviceable.ts': '',
    });
    expect(broken.map((line) => line.split(':')[0])).toEqual([
      'shared/a.ts',
      'token/index.ts',
      'token/url-utils.ts',
    ]);
  });

  it('fails beyond 300 lines and reports beyond 250', () => {
    const files = [200, 260, 301].map((lines) => readSource(`token/l${lines}.ts`, '\n'.repeat(lines)));
    expect(violations(files).map(({ message }) => message)).toEqual(['301 lines; at most 300']);
    expect(longFiles(files).map(({ path }) => path)).toEqual(['token/l260.ts']);
  });
});

describe('reading a source file', () => {
  it('sees the global fetch but no method, import or parameter of that name', () => {
    expect(readSource('a.ts', 'app.fetch(x);\n\nawait fetch(url);\n').globalFetch).toEqual([3]);
    expect(
      readSource('a.ts', "import { fetch } from 'undici';\nfetch(url);\nglobalThis.fetch(url);\n")
        .globalFetch,
    ).toEqual([3]);
    expect(readSource('a.ts', "import { fetch as get } from 'undici';\nfetch(url);\n").globalFetch).toEqual([
      2,
    ]);
  });

  it('sees state at module level', () => {
    expect(
      readSource('a.ts', 'const a = 1;\nlet b = 2;\nfunction f() {\n  let c = 3;\n}\n').mutableState,
    ).toEqual([2]);
  });

  it('is not misled by comments, strings, templates and regular expressions', () => {
    const source = [
      "// import a from './a.ts';",
      "/* import b from './b.ts'; fetch( */",
      'const text = "import c from \'./c.ts\'; fetch(";',
      "const template = `import d from './d.ts' ${nested(`}`, '}')} fetch(`;",
      'const pattern = /[/\'"`]/.test(x) ? a / b / c : /`/;',
      "import { e } from './e.ts';",
      "import /* why */ type { F } from './f.ts';",
      "export * as g from './g.ts';",
      "import './h.ts';",
      "import i, { type I } from './i.ts';",
      "import { type J, type K } from './j.ts';",
    ].join('\n');
    const { imports, globalFetch } = readSource('a.ts', source);
    expect(imports.map(({ specifier, typeOnly, line }) => [specifier, typeOnly, line])).toEqual([
      ['./e.ts', false, 6],
      ['./f.ts', true, 7],
      ['./g.ts', false, 8],
      ['./h.ts', false, 9],
      ['./i.ts', false, 10],
      ['./j.ts', true, 11],
    ]);
    expect(globalFetch).toEqual([]);
  });
});

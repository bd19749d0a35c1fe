import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isNode, type SchemaNode } from '../../src/config/example-tree.ts';
import { jsonSchema } from '../../src/config/json-schema.ts';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';
import { badFiles } from './bad-files.ts';
import { badSessions } from './bad-sessions.ts';
import { badTemplates } from './bad-templates.ts';

const root = join(import.meta.dirname, '../..');
const schema = await jsonSchema();
const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
const validate = ajv.compile(schema);

/** What a validator says of a YAML text. */
function faults(yaml: string, by: ValidateFunction = validate): string[] {
  return by(parse(yaml, { merge: true, logLevel: 'silent' }))
    ? []
    : (by.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Every key of the file with the schema of its value: `credentials.*.client_id`. */
function* keysOf(
  node: SchemaNode,
  path: readonly string[] = [],
): Generator<[path: string, schema: SchemaNode]> {
  const { properties, additionalProperties, items, anyOf } = node;
  for (const [name, child] of Object.entries(isNode(properties) ? properties : {})) {
    yield [[...path, name].join('.'), child as SchemaNode];
    yield* keysOf(child as SchemaNode, [...path, name]);
  }
  if (isNode(additionalProperties)) yield* keysOf(additionalProperties, [...path, '*']);
  if (isNode(items)) yield* keysOf(items, path);
  for (const option of Array.isArray(anyOf) ? anyOf : []) yield* keysOf(option, path);
}

const keys = [...keysOf(schema)];

/** Every `yaml` block of a page: whole files, or some of their sections. */
const blocks = ['README.md', ...globSync('docs/*.md', { cwd: root })].flatMap((page) => {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, yaml = ''], index): [string, string] => [
    `${page}, block ${index + 1}`,
    yaml,
  ]);
});
/** Sections are enough in a page. */
const part = ajv.compile({ ...schema, required: [] });
const isConfiguration = (yaml: string) =>
  Object.keys((parse(yaml, { logLevel: 'silent' }) as object | null) ?? {}).some((key) =>
    Object.hasOwn(schema.properties as object, key),
  );

describe('routes.schema.json', () => {
  it('is valid by the draft it declares', () => {
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect([ajv.validateSchema(schema), ajv.errors]).toEqual([true, null]);
  });

  it('has an example for every key, each of which its own part accepts', () => {
    expect(keys.length).toBeGreaterThan(120);
    expect(keys.filter(([, { examples }]) => !Array.isArray(examples)).map(([path]) => path)).toEqual([]);
    const wrong = keys.flatMap(([path, node]) => {
      const accepts = ajv.compile({ ...node, definitions: schema.definitions });
      return (node.examples as unknown[])
        .filter((one) => !accepts(one))
        .map((one) => `${path}: ${JSON.stringify(one)}`);
    });
    expect(wrong).toEqual([]);
  });

  it('has a default that its own part accepts', () => {
    const wrong = keys.filter(
      ([, node]) =>
        node.default !== undefined &&
        !ajv.compile({ ...node, definitions: schema.definitions })(node.default),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  it('offers the presets where a provider is named, and takes any other', () => {
    for (const key of ['credentials.*.provider', 'providers.*.extends']) {
      const [, node] = keys.find(([path]) => path === key) ?? [];
      expect(node?.anyOf).toContainEqual({ enum: Object.keys(presets) });
      expect(ajv.compile({ ...node })('acme')).toBe(true);
    }
  });

  it.each([
    ['routes.yaml', readFileSync(join(root, 'routes.yaml'), 'utf8')],
    ...blocks.filter(([, yaml]) => isConfiguration(yaml)),
  ])('accepts %s', (_, yaml) => {
    expect(faults(yaml, part)).toEqual([]);
  });

  it('sees the blocks of the pages', () => {
    expect(blocks.filter(([, yaml]) => isConfiguration(yaml)).length).toBeGreaterThan(5);
  });

  it.each([
    '${NAME}',
    '${NAME:-30s}',
    '${NAME:-}',
    '${env:NAME}',
    '${file:/run/secrets/a}',
    '${A:-${B:-30s}}',
    'a${A}b',
  ])('takes %s for a duration, as the loader does', (text) => {
    const wait = keys.find(([path]) => path === 'server.shutdown_grace')?.[1];
    expect(ajv.compile({ ...wait, definitions: schema.definitions })(text)).toBe(true);
  });

  it.each(['${}', '${1A}', '${NAME', '${ NAME }', '${file:}', '$NAME', '{NAME}'])('refuses %s', (text) => {
    const wait = keys.find(([path]) => path === 'server.shutdown_grace')?.[1];
    expect(ajv.compile({ ...wait, definitions: schema.definitions })(text)).toBe(false);
  });
});

/** What a schema can tell: the kind of a value, unknown and missing keys, words, numbers and forms. */
const telling =
  /unknown key|the key `\w+` is missing|expected |must be (?:at least|at most|a whole)|must not be empty|needs at least one|a (?:duration|size|name|host|store|store key) is |an (?:address|origin) is |there are no routes|a route prefix/;
/** What only the loader knows: how things hang together, and what a placeholder gives. */
const beyond = /placeholder|expected a mapping with|one \w+ at a time/;

describe('a file that is wrong', () => {
  const all = [...badFiles, ...badSessions, ...badTemplates];
  const visible = all.filter(
    ({ text, problems }) =>
      problems.some((problem) => telling.test(problem) && !beyond.test(problem)) && parses(text),
  );

  it('is one of many', () => {
    expect(visible.length).toBeGreaterThan(45);
  });

  it.each(visible.map(({ title, text }) => [title, text]))('is refused by the schema too: %s', (_, text) => {
    expect(faults(text)).not.toEqual([]);
  });

  it('is refused by the loader whenever the schema refuses it', () => {
    const stricter = all.filter(({ text }) => {
      if (!parses(text) || faults(text).length === 0) return false;
      const { config } = load(text, { file: 'routes.yaml', env: {}, presets });
      return config !== undefined;
    });
    expect(stricter.map(({ title }) => title)).toEqual([]);
  });
});

function parses(yaml: string): boolean {
  try {
    parse(yaml, { merge: true, logLevel: 'silent' });
    return true;
  } catch {
    return false;
  }
}

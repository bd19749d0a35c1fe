import { presets } from '../provider/presets.ts';
import { isNode, type SchemaNode as Node, withExamples } from './example-tree.ts';
import { examples } from './examples.ts';
import { schema } from './schema.ts';

const placeholder = { $ref: '#/definitions/placeholder' };

/** A route prefix (RFC 3986 §3.3): one slash alone, or segments that are neither empty nor dots. */
const prefixPattern = "^/$|^(?:/(?!\\.{1,2}(?:[;/]|$))[A-Za-z0-9\\-._~!$&'()*+,;=:@]+)+$";

/** What an editor calls an entry of a section. */
const entryTitles = { callers: 'Caller', providers: 'Provider', credentials: 'Credential', routes: 'Route' };

/**
 * The JSON Schema (draft-07, which editors' YAML support reads) of routes.yaml: descriptions and defaults of `schema`,
 * the examples of `examples`, the names of the presets, and `${…}` allowed wherever a value is typed.
 */
export async function jsonSchema(): Promise<Node> {
  const { toJsonSchema } = await import('@valibot/to-json-schema');
  const converted = toJsonSchema(schema, { target: 'draft-07', typeMode: 'input', errorMode: 'ignore' });
  const { $schema, ...rest } = converted as Node;
  return {
    $schema,
    title: 'Cupbearer routes.yaml',
    ...withExamples(withSuggestions(withPlaceholders(rest)), examples),
    definitions: {
      placeholder: {
        type: 'string',
        pattern: '\\$\\{(?:(?:env:)?[A-Za-z_][A-Za-z0-9_]*(?:\\}|:-.*\\})|file:[^${}]+\\})',
        description: '${NAME}, ${NAME:-default}, ${env:NAME} or ${file:/path}',
        examples: ['${NAME}', '${NAME:-default}', '${env:NAME}', '${file:/run/secrets/name}'],
      },
    },
  };
}

/** What the loader knows beyond the schema and an editor can use: names of presets, form of prefixes, titles. */
function withSuggestions(root: Node): Node {
  const { properties } = root as { properties: Record<keyof typeof entryTitles, Node> };
  const sections = { ...properties };
  for (const [name, title] of Object.entries(entryTitles)) {
    const section = sections[name as keyof typeof entryTitles];
    const entry: Node = { title, ...(section.additionalProperties as Node) };
    const keys = { ...(entry.properties as Record<string, Node>) };
    if (name === 'providers') keys.extends = orPreset(keys.extends);
    if (name === 'credentials') keys.provider = orPreset(keys.provider);
    sections[name as keyof typeof entryTitles] = {
      ...section,
      additionalProperties: { ...entry, properties: keys },
    };
  }
  const propertyNames = { type: 'string', pattern: prefixPattern };
  sections.routes = { ...sections.routes, minProperties: 1, propertyNames };
  return { ...root, properties: sections };
}

/** Any text; the names of the presets are offered. */
function orPreset({ description, ...text }: Node = {}): Node {
  return { description, anyOf: [{ enum: Object.keys(presets) }, text] };
}

function withPlaceholders(node: Node): Node {
  const result: Node = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties') result[key] = mapValues(value as Record<string, Node>, withPlaceholders);
    else if (key === 'items' || key === 'additionalProperties') {
      result[key] = isNode(value) ? withPlaceholders(value) : value;
    } else if (key === 'anyOf') result[key] = flatten((value as Node[]).map(withPlaceholders));
    else if (key !== 'required' || (value as string[]).length > 0) result[key] = value;
  }
  return isTyped(node) ? orPlaceholder(result) : result;
}

/** Alternatives of alternatives as one list, the placeholder once and last. */
function flatten(options: readonly Node[]): Node[] {
  const flat = options.flatMap((option) =>
    Object.keys(option).length === 1 && Array.isArray(option.anyOf) ? (option.anyOf as Node[]) : [option],
  );
  const typed = flat.filter((option) => option !== placeholder);
  return typed.length === flat.length ? typed : [...typed, placeholder];
}

/** Whether a text with a placeholder in it would be refused. */
function isTyped({ type, enum: words, const: word, pattern }: Node): boolean {
  return (
    type === 'number' ||
    type === 'integer' ||
    type === 'boolean' ||
    [words, word, pattern].some((x) => x !== undefined)
  );
}

function orPlaceholder({ description, default: preset, ...typed }: Node): Node {
  return {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    anyOf: [typed, placeholder],
  };
}

function mapValues(nodes: Record<string, Node>, change: (node: Node) => Node): Record<string, Node> {
  return Object.fromEntries(Object.entries(nodes).map(([key, node]) => [key, change(node)]));
}

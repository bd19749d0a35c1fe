import { stringify } from 'yaml';
import { isNode, type SchemaNode } from '../src/config/example-tree.ts';
import { introduction, sections } from './configuration-prose.ts';

/** The page that says what every key of routes.yaml is, from its JSON Schema. */
export function renderPage(schema: SchemaNode): string {
  const properties = schema.properties as Record<string, SchemaNode>;
  const parts = sections.map(({ name, text, entries }) => {
    const section = properties[name] as SchemaNode;
    const own = entries ? (section.additionalProperties as SchemaNode) : section;
    const head = `## ${name}\n\n${text.trim()}\n\n${yamlBlock({ [name]: examplesOf(section)[0] })}`;
    return [head, ...tables(own, name)].join('\n');
  });
  return [introduction.trim(), '', ...parts].join('\n').replace(/\n{3,}/g, '\n\n');
}

interface Row {
  readonly name: string;
  readonly node: SchemaNode;
  readonly required: boolean;
}

/** The table of a mapping's keys, then those of the mappings in it, each under a heading of its own. */
function tables(mapping: SchemaNode, path: string): string[] {
  const rows = rowsOf(mapping);
  const nested = rows.flatMap(({ name, node }) => {
    const inner = mappingIn(node);
    return inner === undefined ? [] : [{ name, inner }];
  });
  const table = [
    '| key | type | default | meaning |',
    '|---|---|---|---|',
    ...rows.map((row) => renderRow(row, path)),
    '',
  ].join('\n');
  const seen = new Map<string, string>();
  const more = nested.flatMap(({ name, inner }) => {
    const at = `${path}.${name}`;
    const heading = `### ${at}\n`;
    const shape = JSON.stringify(rowsOf(inner).map((row) => row.name));
    const same = seen.get(shape);
    if (same !== undefined) return [`${heading}\nThe keys of [\`${same}\`](#${anchorOf(same)}).\n`];
    seen.set(shape, at);
    return [heading, ...tables(inner, at)];
  });
  return [`\n${table}`, ...more];
}

function renderRow({ name, node, required }: Row, path: string): string {
  const id = `${path}.${name}`;
  const preset =
    node.default === undefined || isEmptyMapping(node.default) ? undefined : code(flow(node.default));
  const examples = examplesOf(node).map((one) => code(`${name}: ${flow(one)}`));
  const meaning = `${escapeCell(String(node.description ?? ''))}<br>${examples.join(' ')}`;
  const type = typesOf(node).join(' or ');
  return `| <a id="${id}"></a>\`${name}\` | ${escapeCell(type)} | ${preset ?? (required ? '**required**' : '–')} | ${meaning} |`;
}

function rowsOf({ properties, required }: SchemaNode): Row[] {
  const needed = new Set(Array.isArray(required) ? required : []);
  return Object.entries(isNode(properties) ? properties : {}).map(([name, node]) => ({
    name,
    node: node as SchemaNode,
    required: needed.has(name),
  }));
}

/** The mapping that a value is, or that its entries or one of its forms are. */
function mappingIn(node: SchemaNode): SchemaNode | undefined {
  if (isNode(node.properties)) return node;
  const { items, anyOf } = node;
  const inner = [items, ...(Array.isArray(anyOf) ? anyOf : [])].filter(isNode);
  return inner.map(mappingIn).find((found) => found !== undefined);
}

/** The forms that a value may have, in words; that a placeholder may stand for it goes without saying. */
function typesOf(node: SchemaNode): string[] {
  const { type, anyOf, pattern, items, additionalProperties, properties } = node;
  if ('$ref' in node) return [];
  if (Array.isArray(anyOf)) {
    const options = (anyOf as SchemaNode[]).filter(
      (option) => !(anyOf as SchemaNode[]).some((other) => Array.isArray(option.enum) && isFreeText(other)),
    );
    return [...new Set(options.flatMap(typesOf))];
  }
  if (Array.isArray(node.enum)) return node.enum.map((word) => code(String(word)));
  if (node.const !== undefined) return [code(String(node.const))];
  if (type === 'array') return [`list of ${isNode(items) ? typesOf(items).join(' or ') : 'values'}`];
  if (type === 'object' && properties === undefined)
    return [
      isNode(additionalProperties) && Object.keys(additionalProperties).length > 0
        ? `name → ${typesOf(additionalProperties).join(' or ')}`
        : 'name → any value',
    ];
  if (type === 'string') return [formOf(pattern) ?? 'text'];
  if (type === 'integer' || type === 'number') return [numberOf(node)];
  return [{ object: 'mapping', boolean: '`true` or `false`', null: '`null`' }[String(type)] ?? 'any value'];
}

function isFreeText({ type, pattern, enum: words }: SchemaNode): boolean {
  return type === 'string' && pattern === undefined && words === undefined;
}

/** The name of a text's form, by how its pattern begins or ends. */
function formOf(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string') return undefined;
  if (pattern.endsWith('(ms|s|m|h|d)$')) return '[duration](#durations-and-sizes)';
  if (pattern.endsWith('(B|KiB|MiB|GiB)$')) return '[size](#durations-and-sizes)';
  if (pattern.startsWith('^(?:unix:')) return 'address';
  if (pattern.startsWith('^(?:memory:')) return 'address of a store';
  if (pattern.startsWith('^[A-Za-z0-9_][')) return 'name';
  return undefined;
}

function numberOf({ minimum, maximum }: SchemaNode): string {
  if (minimum === undefined) return 'number';
  return `whole number${maximum === undefined ? ` ≥ ${minimum}` : ` ${minimum}–${maximum}`}`;
}

function examplesOf({ examples }: SchemaNode): readonly unknown[] {
  return Array.isArray(examples) ? examples : [];
}

function isEmptyMapping(value: unknown): boolean {
  return isNode(value) && Object.keys(value).length === 0;
}

/** A value as one line of YAML. */
function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: true, lineWidth: 0 }).trim();
}

function yamlBlock(value: unknown): string {
  return `\`\`\`yaml\n${stringify(value, { lineWidth: 0 })}\`\`\``;
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function escapeCell(text: string): string {
  return text.replace(/(?<!\\)\|/g, '\\|');
}

/** The anchor that a heading gets: lower case, without punctuation. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
}

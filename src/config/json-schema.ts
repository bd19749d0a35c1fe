import { schema } from './schema.ts';

type Node = { [key: string]: unknown };

const placeholder = { $ref: '#/definitions/placeholder' };

/**
 * The JSON Schema (draft-07, which editors' YAML support reads) of routes.yaml: descriptions and defaults of `schema`,
 * with `${…}` allowed wherever a value is typed.
 */
export async function jsonSchema(): Promise<Node> {
  const { toJsonSchema } = await import('@valibot/to-json-schema');
  const converted = toJsonSchema(schema, { target: 'draft-07', typeMode: 'input', errorMode: 'ignore' });
  const { $schema, ...rest } = converted as Node;
  return {
    $schema,
    title: 'Cupbearer routes.yaml',
    ...withPlaceholders(rest),
    definitions: {
      placeholder: {
        type: 'string',
        pattern: '\\$\\{.+\\}',
        description: '${NAME}, ${NAME:-default}, ${env:NAME} or ${file:/path}',
      },
    },
  };
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

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A JSON Schema, or a part of one. */
export type SchemaNode = { [key: string]: unknown };

/**
 * Examples in the shape of a schema: `*` is any entry of a mapping, `$` holds the examples of the mapping itself, a list
 * those of a value.
 */
export interface ExampleTree {
  readonly [key: string]: readonly unknown[] | ExampleTree;
}

/** Puts the examples of a tree on the parts of a JSON Schema they belong to. */
export function withExamples(node: SchemaNode, tree: readonly unknown[] | ExampleTree): SchemaNode {
  if (isList(tree)) return { ...node, examples: tree };
  const { $: own, ...rest } = tree;
  const result: SchemaNode = { ...node, ...(own === undefined ? {} : { examples: own }) };
  const { properties, additionalProperties, items, anyOf } = node;
  if (isNode(properties)) result.properties = withExamplesOf(properties, rest);
  if (isNode(additionalProperties) && rest['*'] !== undefined)
    result.additionalProperties = withExamples(additionalProperties, rest['*']);
  if (isNode(items)) result.items = withExamples(items, rest);
  if (Array.isArray(anyOf)) result.anyOf = anyOf.map((option) => withExamples(option, rest));
  return result;
}

function withExamplesOf(properties: SchemaNode, tree: ExampleTree): SchemaNode {
  const changed = Object.entries(properties).map(([key, child]) => {
    const examples = Object.hasOwn(tree, key) ? tree[key] : undefined;
    return [key, isNode(child) && examples !== undefined ? withExamples(child, examples) : child];
  });
  return Object.fromEntries(changed);
}

/** Whether a value is a mapping. */
export function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(tree: readonly unknown[] | ExampleTree): tree is readonly unknown[] {
  return Array.isArray(tree);
}

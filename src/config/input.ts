import type { GenericSchema } from 'valibot';
import { quoteKey, type SourceNode } from './document.ts';
import { interpolate, isTemplate, type Sources } from './interpolate.ts';
import type { Findings, Path } from './problems.ts';
import type { Secret } from './secret.ts';
import { sensitive } from './sensitive.ts';
import { suggestion } from './suggest.ts';

/** What of a valibot schema is looked at here; every schema has some of it. */
interface SchemaShape {
  readonly type: string;
  readonly wrapped?: SchemaShape;
  readonly entries?: Readonly<Record<string, SchemaShape>>;
  readonly value?: SchemaShape;
  readonly item?: SchemaShape;
  readonly options?: readonly (SchemaShape | string)[];
  readonly pipe?: readonly { readonly type: string; readonly message?: unknown }[];
}

export interface InputContext {
  readonly sources: Sources;
  readonly findings: Findings;
  /** The permissions of a file; undefined where there are none to look at. */
  readonly modeOf: (path: string) => number | undefined;
  /** The permissions of the configuration itself, if it is a file. */
  readonly ownMode?: number | undefined;
  /** What placeholders gave that may be secret. */
  readonly sensitive: Secret[];
}

interface Conversion extends InputContext {
  /** Tells what is wrong with a value that is needed, and that the whole cannot be used. */
  readonly fail: (at: number, path: Path, message: string) => undefined;
  /** The same without a message: it was told already. */
  readonly leave: () => undefined;
}

/**
 * The plain value of a node for a schema to validate: placeholders replaced, texts that came from placeholders turned
 * into the number or boolean the schema wants, unknown keys told and left out. Wrong kinds and missing keys are told
 * and make it not `usable`.
 */
export function toInput(
  schema: GenericSchema,
  node: SourceNode,
  path: Path,
  context: InputContext,
): { value: unknown; usable: boolean } {
  let usable = true;
  const fail = (at: number, where: Path, message: string): undefined => {
    usable = false;
    context.findings.add(at, where, message);
  };
  const leave = (): undefined => {
    usable = false;
  };
  const value = convert(schema as unknown as SchemaShape, node, path, { ...context, fail, leave });
  return { value, usable };
}

function convert(schema: SchemaShape, node: SourceNode, path: Path, context: Conversion): unknown {
  const { shape, nullable } = unwrap(schema);
  if (node.kind === 'broken') return context.leave();
  if (node.kind === 'scalar' && node.scalar === null && nullable) return null;
  const fitting = optionsOf(shape).find((option) => kindOf(option) === 'any' || kindOf(option) === node.kind);
  if (fitting === undefined) return context.fail(node.range[0], path, wrongKind(shape, node));
  if (node.kind === 'scalar') return convertScalar(shape, node, path, context);
  if (node.kind === 'list') {
    return [...node.children].map(([index, item]) =>
      convert(fitting.item ?? anything, item, [...path, index], context),
    );
  }
  return fitting.entries === undefined
    ? convertRecord(fitting.value ?? anything, node, path, context)
    : convertObject(fitting.entries, node, path, context);
}

function convertRecord(value: SchemaShape, node: SourceNode, path: Path, context: Conversion): object {
  const result: Record<string, unknown> = {};
  for (const [key, child] of node.children) result[key] = convert(value, child, [...path, key], context);
  return result;
}

function convertObject(
  entries: Readonly<Record<string, SchemaShape>>,
  node: SourceNode,
  path: Path,
  context: Conversion,
): object {
  const result: Record<string, unknown> = {};
  for (const [name, child] of node.children) {
    const key = String(name);
    const schema = Object.hasOwn(entries, key) ? entries[key] : undefined;
    if (schema === undefined) reportUnknown(key, Object.keys(entries), child, path, context.findings);
    else if (!isAbsent(schema, child)) result[key] = convert(schema, child, [...path, key], context);
  }
  for (const [key, schema] of Object.entries(entries)) {
    if (schema.type === 'optional' || node.children.has(key)) continue;
    context.fail(node.keyAt ?? node.range[0], path, `the key \`${key}\` is missing`);
  }
  return result;
}

/** Tells an unknown key; its value may be a secret under a misspelt name and is never shown. */
export function reportUnknown(
  key: string,
  known: readonly string[],
  node: SourceNode,
  path: Path,
  findings: Findings,
): void {
  findings.mask(node.range);
  findings.add(node.keyAt, [...path, key], `unknown key ${quoteKey(key)}${suggestion(key, known)}`);
}

/** A section whose keys are all commented out reads as null; it counts as not given. */
function isAbsent(schema: SchemaShape, node: SourceNode): boolean {
  if (schema.type !== 'optional' || node.kind !== 'scalar' || node.scalar !== null) return false;
  const { shape, nullable } = unwrap(schema);
  return !nullable && (shape.entries !== undefined || shape.type === 'record');
}

function convertScalar(shape: SchemaShape, node: SourceNode, path: Path, context: Conversion): unknown {
  const { scalar } = node;
  const options = optionsOf(shape).filter((option) => kindOf(option) === 'scalar' || option.type === 'any');
  if (typeof scalar !== 'string' || !isTemplate(scalar)) {
    if (options.some((option) => accepts(option, scalar))) return scalar;
    return context.fail(node.range[0], path, wrongKind(shape, node));
  }
  const result = interpolate(scalar, context.sources, (given) => {
    const found = sensitive(given, path);
    if (found !== undefined) context.sensitive.push(found);
  });
  if (!result.ok) {
    for (const reason of result.reasons) context.fail(node.range[0], path, reason);
    return undefined;
  }
  const { text } = result;
  if (options.some((option) => accepts(option, text))) return text;
  const typed = yamlScalar(text);
  if (options.some((option) => accepts(option, typed))) return typed;
  return context.fail(
    node.range[0],
    path,
    `expected ${expectation(shape)}, and the placeholder gives something else`,
  );
}

/** YAML 1.2 core schema: how a plain scalar that is a number or boolean reads. */
function yamlScalar(text: string): unknown {
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) return Number(text);
  if (/^0(?:o[0-7]+|x[0-9a-fA-F]+)$/.test(text)) return Number(text);
  return text;
}

function accepts({ type }: SchemaShape, value: unknown): boolean {
  if (type === 'any') return true;
  if (type === 'picklist' || type === 'literal') return typeof value === 'string';
  return type === (value === null ? 'null' : typeof value);
}

function unwrap(schema: SchemaShape): { shape: SchemaShape; nullable: boolean } {
  let shape = schema;
  let nullable = false;
  while (shape.wrapped !== undefined) {
    if (shape.type === 'nullable') nullable = true;
    shape = shape.wrapped;
  }
  return { shape, nullable };
}

function optionsOf(shape: SchemaShape): readonly SchemaShape[] {
  if (shape.type !== 'union') return [shape];
  return (shape.options ?? []).flatMap((option) =>
    typeof option === 'string' ? [] : optionsOf(unwrap(option).shape),
  );
}

function kindOf(shape: SchemaShape): SourceNode['kind'] | 'any' {
  if (shape.type === 'any') return 'any';
  if (shape.entries !== undefined || shape.type === 'record') return 'map';
  return shape.item === undefined ? 'scalar' : 'list';
}

const anything: SchemaShape = { type: 'any' };

function wrongKind(shape: SchemaShape, node: SourceNode): string {
  const rules = optionsOf(shape).map(ruleOf);
  if (rules.length === 1 && rules[0] !== undefined) return `${rules[0]}; got ${given(node)}`;
  const wanted = expectation(shape);
  const quotes =
    wanted.startsWith('a text') && node.kind === 'scalar' && node.scalar !== null ? '; put it in quotes' : '';
  return `expected ${wanted}, got ${given(node)}${quotes}`;
}

function expectation(shape: SchemaShape): string {
  const wanted = optionsOf(shape).map((option) => {
    if (option.type === 'picklist') return `one of ${(option.options ?? []).join(', ')}`;
    const rule = ruleOf(option);
    if (rule !== undefined) return `a text (${rule})`;
    if (kindOf(option) === 'map') return 'a mapping';
    if (kindOf(option) === 'list') return 'a list';
    return { boolean: 'true or false', number: 'a number', null: 'null' }[option.type] ?? 'a text';
  });
  return [...new Set(wanted)].join(' or ');
}

/** The words of a text's pattern: "a duration is …". */
function ruleOf(shape: SchemaShape): string | undefined {
  const message = shape.pipe?.find((action) => action.type === 'regex')?.message;
  return typeof message === 'string' ? message : undefined;
}

function given(node: SourceNode): string {
  if (node.kind !== 'scalar') return node.kind === 'map' ? 'a mapping' : 'a list';
  if (node.scalar === null) return 'nothing';
  return { string: 'a text', number: 'a number', boolean: 'true or false' }[typeof node.scalar as 'string'];
}

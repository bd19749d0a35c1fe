import * as v from 'valibot';
import { CupbearerError } from '../errors.ts';
import type { SourceNode } from './document.ts';
import { fileModeFault, isReadByOthers, shellWord } from './file-mode.ts';
import { type InputContext, toInput } from './input.ts';
import { filesOf, interpolate, isTemplate, type Sources, variablesOf } from './interpolate.ts';
import type { Findings, Path } from './problems.ts';
import { Secret } from './secret.ts';
import { nearest } from './suggest.ts';

/** The validated value of a node; undefined when something is wrong that makes it useless. Everything wrong is told. */
export function validate<S extends v.GenericSchema>(
  schema: S,
  node: SourceNode,
  path: Path,
  context: InputContext,
): v.InferOutput<S> | undefined {
  const { value, usable } = toInput(schema, node, path, context);
  const result = v.safeParse(schema, value);
  if (result.success && usable) return bindSecrets(result.output, node, path, context) as v.InferOutput<S>;
  for (const issue of result.issues ?? []) tell(issue, [], node, path, context.findings);
  return undefined;
}

/** The node at the end of a key path, or the nearest one above it that the file has. */
export function locate(root: SourceNode, path: Path): SourceNode {
  let node = root;
  for (const key of path) {
    const child = node.children.get(key);
    if (child === undefined) return node;
    node = child;
  }
  return node;
}

/** Tells the issues that `toInput` has not: rules on values, and words that are not in a list. */
function tell(
  issue: v.BaseIssue<unknown>,
  above: Path,
  root: SourceNode,
  path: Path,
  findings: Findings,
): void {
  const keys = (issue.path ?? []).map((item) => item.key as string | number);
  const inner = [...above, ...keys];
  for (const nested of issue.issues ?? []) tell(nested, inner, root, path, findings);
  const message = messageOf(issue);
  if (message === undefined) return;
  const node = locate(root, inner);
  const atKey = issue.path?.at(-1)?.origin === 'key';
  findings.add(atKey ? (node.keyAt ?? node.range[0]) : node.range[0], [...path, ...inner], message);
}

function messageOf(issue: v.BaseIssue<unknown>): string | undefined {
  switch (issue.type) {
    case 'picklist':
    case 'literal':
      return typeof issue.input === 'string' ? notInList(issue) : undefined;
    case 'integer':
      return 'must be a whole number';
    case 'min_value':
      return `must be at least ${String(issue.requirement)}`;
    case 'max_value':
      return `must be at most ${String(issue.requirement)}`;
    default:
      // The schema gives these rules their own words; valibot's would quote the value.
      return issue.kind === 'validation' ? issue.message : undefined;
  }
}

function notInList(issue: v.BaseIssue<unknown>): string {
  const words = [...(issue.expected ?? '').matchAll(/"([^"]*)"/g)].map(([, word = '']) => word);
  const near = nearest(String(issue.input), words);
  return `expected ${words.length > 1 ? 'one of ' : ''}${words.join(', ')}${near ? `; did you mean \`${near}\`?` : ''}`;
}

/** Gives every Secret that came from a placeholder the way to read it again; tells files that others may write. */
function bindSecrets(output: unknown, node: SourceNode, path: Path, context: InputContext): unknown {
  if (output instanceof Secret) {
    const { scalar } = node;
    const { sources, findings } = context;
    if (typeof scalar !== 'string' || !isTemplate(scalar)) {
      if (isReadByOthers(context.ownMode) && isWorthHiding(output))
        findings.add(undefined, [], readByOthers(sources), { level: 'warning' });
      return output;
    }
    const files = filesOf(scalar, sources);
    for (const file of files) {
      const fault = fileModeFault(file, context);
      if (fault !== undefined) findings.add(node.range[0], path, fault, { level: 'warning' });
    }
    const variables = variablesOf(scalar);
    return new Secret(output.reveal(), () => readAgain(scalar, sources), files, variables);
  }
  if (typeof output !== 'object' || output === null) return output;
  const record = output as Record<string | number, unknown>;
  // A Secret in what the schema made of one text is that text.
  if (node.kind === 'scalar') {
    for (const [key, value] of Object.entries(record)) {
      record[key] = bindSecrets(value, node, path, context);
    }
  }
  for (const [key, child] of node.children) {
    if (Object.hasOwn(record, key)) {
      record[key] = bindSecrets(record[key], child, [...path, key], context);
    }
  }
  return output;
}

function readAgain(template: string, sources: Sources): string {
  const result = interpolate(template, sources);
  if (!result.ok) throw new CupbearerError('configuration-invalid', result.reasons.join('; '));
  if (result.text === '')
    throw new CupbearerError('configuration-invalid', 'a secret was replaced by nothing');
  return result.text;
}

/** A URL of Redis is a Secret whether it has a password or not. */
function isWorthHiding(secret: Secret): boolean {
  const text = secret.reveal();
  return !/^rediss?:\/\//.test(text) || URL.parse(text)?.password !== '';
}

function readByOthers({ file }: Sources): string {
  return `others may read this file, and secrets are written in it; run: chmod o-r ${shellWord(file)}, or write \${file:/path} in their place`;
}

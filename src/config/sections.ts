import * as v from 'valibot';
import { quoteKey, type SourceNode } from './document.ts';
import { type InputContext, reportUnknown } from './input.ts';
import { isTemplate } from './interpolate.ts';
import type { Path } from './problems.ts';
import {
  type CallerConfig,
  type CredentialConfig,
  type CredentialFile,
  type ProviderConfig,
  type RouteFile,
  type ServerConfig,
  type StoreConfig,
  schema,
} from './schema.ts';
import { nameKey } from './schema-types.ts';
import { locate, validate } from './validate.ts';

/** The parts of the file that are valid by themselves, and the way to tell what does not fit together. */
export interface Sections {
  readonly server: ServerConfig | undefined;
  readonly store: StoreConfig | undefined;
  readonly callers: Section<CallerConfig>;
  readonly providers: Section<ProviderConfig>;
  readonly credentials: Section<CredentialConfig>;
  readonly routes: Section<RouteFile>;
  readonly context: InputContext;
  /** Tells a problem at the value of a key path, or the nearest key above it; `atKey` means the key itself. */
  readonly tell: (path: Path, message: string, options?: TellOptions) => void;
  /** A value as it may be quoted in a message: the placeholder when it came from one. */
  readonly quote: (path: Path, value: string) => string;
  readonly has: (path: Path) => boolean;
  /** The text at a key path as the file has it; undefined for a placeholder or no text. */
  readonly written: (path: Path) => string | undefined;
}

/** The parts whose credentials may have left their grant to the provider. */
export interface WrittenSections extends Omit<Sections, 'credentials'> {
  readonly credentials: Section<CredentialFile>;
}

interface TellOptions {
  readonly atKey?: boolean;
  readonly level?: 'error' | 'warning';
  /** Hides the value in the line that is shown. */
  readonly hide?: boolean;
}

interface Section<T> {
  /** All keys as written, valid or not. */
  readonly names: ReadonlySet<string>;
  /** The valid entries, in file order. */
  readonly entries: ReadonlyMap<string, T>;
}

/** Validates section by section and entry by entry, so that one mistake does not hide the others. */
export function readSections(root: SourceNode, context: InputContext): WrittenSections {
  const { entries } = schema;
  const { findings } = context;
  for (const [key, node] of root.children) {
    if (!Object.hasOwn(entries, key)) reportUnknown(String(key), Object.keys(entries), node, [], findings);
  }
  const section = <S extends v.GenericSchema>(
    name: keyof typeof entries,
    key: v.GenericSchema<string>,
    value: S,
  ): Section<v.InferOutput<S>> => readEntries(root, name, key, value, context);
  const single = <S extends v.GenericSchema>(
    name: keyof typeof entries,
    part: S,
  ): v.InferOutput<S> | undefined => {
    const node = root.children.get(name);
    return node === undefined || isNull(node)
      ? v.parse(part, undefined)
      : validate(part, node, [name], context);
  };
  return {
    server: single('server', entries.server),
    store: single('store', entries.store),
    callers: section('callers', nameKey, entries.callers.wrapped.value),
    providers: section('providers', nameKey, entries.providers.wrapped.value),
    credentials: section('credentials', nameKey, entries.credentials.value),
    routes: section('routes', v.string(), entries.routes.value),
    context,
    tell(path, message, { atKey = false, level = 'error', hide = false } = {}) {
      const node = locate(root, path);
      if (hide) findings.mask(node.range);
      findings.add(atKey ? (node.keyAt ?? node.range[0]) : node.range[0], path, message, { level });
    },
    quote(path, value) {
      const { scalar } = locate(root, path);
      return quoteKey(typeof scalar === 'string' && isTemplate(scalar) ? scalar : value);
    },
    has: (path) => nodeAt(root, path) !== undefined,
    written(path) {
      const scalar = nodeAt(root, path)?.scalar;
      return typeof scalar === 'string' && !isTemplate(scalar) ? scalar : undefined;
    },
  };
}

function nodeAt(root: SourceNode, path: Path): SourceNode | undefined {
  let node: SourceNode | undefined = root;
  for (const key of path) node = node?.children.get(key);
  return node;
}

function readEntries<S extends v.GenericSchema>(
  root: SourceNode,
  name: string,
  keySchema: v.GenericSchema<string>,
  valueSchema: S,
  context: InputContext,
): Section<v.InferOutput<S>> {
  const { findings } = context;
  const required = name === 'credentials' || name === 'routes';
  const node = root.children.get(name);
  const entries = new Map<string, v.InferOutput<S>>();
  if (node === undefined) {
    if (required) findings.add(root.range[0], [], `the key \`${name}\` is missing`);
    return { names: new Set(), entries };
  }
  if (node.kind !== 'map' && node.kind !== 'broken' && (required || !isNull(node))) {
    findings.add(
      node.range[0],
      [name],
      `expected a mapping, got ${node.kind === 'list' ? 'a list' : isNull(node) ? 'nothing' : 'a single value'}`,
    );
  } else if (name === 'routes' && node.children.size === 0) {
    findings.add(node.range[0], [name], 'there are no routes; write /prefix: { credential: name }');
  }
  const children = node.kind === 'map' ? node.children : new Map<string | number, SourceNode>();
  for (const [key, child] of children) {
    const path = [name, key];
    const issue = v.safeParse(keySchema, key).issues?.[0];
    if (issue !== undefined) findings.add(child.keyAt, path, issue.message);
    const value = validate(valueSchema, child, path, context);
    if (value !== undefined && issue === undefined) entries.set(String(key), value);
  }
  return { names: new Set([...children.keys()].map(String)), entries };
}

function isNull(node: SourceNode): boolean {
  return node.kind === 'scalar' && node.scalar === null;
}

import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLError,
} from 'yaml';
import { isPlaceholderOnly } from './interpolate.ts';
import { syntaxMessage } from './syntax.ts';

/** Start and end in the text. */
export type Range = readonly [number, number];

/** A value as written in the file, and where. Offsets count UTF-16 units from the start of the text. */
export interface SourceNode {
  /** `broken`: something wrong was told of it already. */
  readonly kind: 'map' | 'list' | 'scalar' | 'broken';
  /** Where the value starts and ends. */
  readonly range: Range;
  /** Where its key starts; undefined for list items and the root. */
  readonly keyAt: number | undefined;
  /** Of a scalar. */
  readonly scalar: string | number | boolean | null;
  /** Of a map by key, of a list by index. */
  readonly children: ReadonlyMap<string | number, SourceNode>;
}

/** Something wrong with the YAML itself. */
interface SyntaxFault {
  readonly at: number;
  readonly message: string;
  /** Whether the parser may have taken a value for something else, so that the line is not safe to show. */
  readonly unparsed: boolean;
}

export interface SourceDocument {
  /** Undefined when the text is not YAML or holds nothing. */
  readonly root: SourceNode | undefined;
  readonly faults: readonly SyntaxFault[];
  /** Ranges of values that must not be shown. */
  readonly masked: readonly Range[];
}

const secretKeys = new Set(
  (
    'client_secret password refresh_token key private_key client_assertion assertion assertion_claims ' +
    'subject_token actor_token'
  ).split(' '),
);
const secretSections = new Set(['params', 'headers']);

/** Whether a value under these keys may be a secret, wherever they stand. */
function isSecretKey(key: string): boolean {
  return secretKeys.has(key) || secretSections.has(key);
}

const maxDepth = 32;
const maxAliases = 100;
const maxNodes = 500_000;
const knownTags = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;
const reservedKeys = new Set(['constructor', 'prototype', ...Object.getOwnPropertyNames(Object.prototype)]);

/** The tree of a YAML 1.2 text. Never throws; every fault is in the result. */
export function readDocument(text: string): SourceDocument {
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, { version: '1.2', prettyErrors: false, uniqueKeys: false });
  } catch {
    return {
      root: undefined,
      faults: [{ at: 0, message: 'the YAML is nested too deeply to be read', unparsed: true }],
      masked: [],
    };
  }
  if (document.errors.length > 0) {
    return { root: undefined, faults: syntaxFaults(document.errors, text), masked: [] };
  }
  const builder = new TreeBuilder(document.directives?.yaml.version === '1.1');
  const root = document.contents === null ? undefined : builder.build(document.contents);
  return { root, faults: builder.faults, masked: builder.masked };
}

/** After the first mistake the parser may find every later token unexpected: those are its own. */
function syntaxFaults(errors: readonly YAMLError[], text: string): SyntaxFault[] {
  return errors
    .filter(({ code }, index) => index === 0 || code !== 'UNEXPECTED_TOKEN')
    .map((error) => ({ at: error.pos[0], message: syntaxMessage(error, text), unparsed: true }));
}

class TreeBuilder {
  readonly faults: SyntaxFault[] = [];
  readonly masked: Range[] = [];
  readonly #anchors = new Map<string, unknown>();
  readonly #open = new Set<unknown>();
  #aliases = 0;
  #nodes = 0;

  constructor(oldVersion: boolean) {
    if (oldVersion) this.#fault(0, 'YAML 1.1 is not supported; remove the %YAML directive');
  }

  build(node: unknown): SourceNode {
    return this.#node(node, undefined, 0, false);
  }

  #fault(at: number, message: string): void {
    this.faults.push({ at, message, unparsed: false });
  }

  /** A value that is not looked into, and so not shown either: it may hold a secret. */
  #broken(range: Range, keyAt: number | undefined, message?: string): SourceNode {
    this.masked.push(range);
    if (message !== undefined) this.#fault(range[0], message);
    return { kind: 'broken', range, keyAt, scalar: null, children: new Map() };
  }

  #node(node: unknown, keyAt: number | undefined, depth: number, secret: boolean): SourceNode {
    const range = rangeOf(node) ?? [keyAt ?? 0, keyAt ?? 0];
    if (isAlias(node)) return this.#alias(node.source, range, keyAt, depth, secret);
    if (++this.#nodes > maxNodes) {
      const first = this.#nodes === maxNodes + 1;
      return this.#broken(range, keyAt, first ? 'the file has too many values' : undefined);
    }
    if (depth > maxDepth) return this.#broken(range, keyAt, 'the value is nested too deeply');
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) {
      return { kind: 'scalar', range, keyAt, scalar: null, children: new Map() };
    }
    if (node.tag !== undefined && !knownTags.test(node.tag)) {
      return this.#broken(range, keyAt, 'YAML tags (!…) are not supported; write the value without one');
    }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#scalar(node, range, keyAt, secret);
    this.#open.add(node);
    const children = new Map<string | number, SourceNode>();
    if (isMap(node)) this.#entries(node.items, children, depth, secret);
    else {
      for (const [index, item] of node.items.entries()) {
        children.set(index, this.#node(item, undefined, depth + 1, secret));
      }
    }
    this.#open.delete(node);
    return { kind: isMap(node) ? 'map' : 'list', range, keyAt, scalar: null, children };
  }

  #scalar(node: Scalar, range: Range, keyAt: number | undefined, secret: boolean): SourceNode {
    const { value } = node;
    if (secret && !(typeof value === 'string' && isPlaceholderOnly(value))) this.masked.push(range);
    if (
      value === null ||
      typeof value === 'string' ||
      typeof value === 'number' ||
      typeof value === 'boolean'
    ) {
      return { kind: 'scalar', range, keyAt, scalar: value, children: new Map() };
    }
    return this.#broken(range, keyAt, 'this kind of value is not supported; put it in quotes');
  }

  #alias(name: string, range: Range, keyAt: number | undefined, depth: number, secret: boolean): SourceNode {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      const hint = 'put the value in quotes if it begins with *';
      return this.#broken(range, keyAt, `this alias has no anchor before it; ${hint}`);
    }
    if (this.#open.has(target)) {
      return this.#broken(range, keyAt, 'this alias lies inside the value it stands for');
    }
    if (++this.#aliases > maxAliases) {
      const first = this.#aliases === maxAliases + 1;
      return this.#broken(
        range,
        keyAt,
        first ? `more than ${maxAliases} aliases; write the values out` : undefined,
      );
    }
    return this.#node(target, keyAt ?? range[0], depth, secret);
  }

  #entries(
    pairs: readonly Pair[],
    children: Map<string | number, SourceNode>,
    depth: number,
    secret: boolean,
  ): void {
    const merged: Pair[] = [];
    for (const pair of pairs) {
      const keyRange = rangeOf(pair.key) ?? rangeOf(pair.value) ?? [0, 0];
      const at = keyRange[0];
      const key = isScalar(pair.key) ? pair.key.value : undefined;
      if (isScalar(pair.key) && key === '<<' && pair.key.type === 'PLAIN') {
        merged.push(pair);
        continue;
      }
      const inSecret = secret || typeof key !== 'string' || isSecretKey(key);
      const child = this.#node(pair.value, at, depth + 1, inSecret);
      // A secret that begins with & or ! reads as an anchor or a tag, which stand before the value.
      if (inSecret) this.masked.push([keyRange[1] + 2, child.range[0]]);
      if (typeof key !== 'string') this.#fault(at, 'a key must be text; put it in quotes');
      else if (reservedKeys.has(key)) this.#fault(at, `\`${key}\` is reserved and cannot be a key`);
      else if (children.has(key)) this.#fault(at, `duplicate key ${quoteKey(key)}; keep one`);
      else children.set(key, child);
    }
    for (const pair of merged) this.#merge(pair, children, depth, secret);
  }

  /** `<<: *anchor` or a list of anchors: their keys count where the map has none of its own. */
  #merge(pair: Pair, children: Map<string | number, SourceNode>, depth: number, secret: boolean): void {
    const at = rangeOf(pair.key)?.[0] ?? 0;
    const sources = isSeq(pair.value) ? pair.value.items : [pair.value];
    for (const source of sources) {
      const node = this.#node(source, at, depth + 1, secret);
      if (node.kind !== 'map') {
        if (node.kind !== 'broken')
          this.#fault(at, 'a merge key (<<) takes an alias of a mapping, or a list of them');
        continue;
      }
      for (const [key, child] of node.children) {
        if (!children.has(key)) children.set(key, child);
      }
    }
  }
}

/** A key as it may be shown: in backquotes, without control characters, not too long. */
export function quoteKey(key: string): string {
  const plain = key.replace(/[\p{C}]/gu, '·');
  return `\`${plain.length > 60 ? `${plain.slice(0, 60)}…` : plain}\``;
}

function rangeOf(node: unknown): Range | undefined {
  if (isPair(node) || typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  const { range } = node as { range?: readonly [number, number, number] | null };
  return range === null || range === undefined ? undefined : [range[0], range[1]];
}

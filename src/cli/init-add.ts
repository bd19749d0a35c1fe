import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { CupbearerError } from '../errors.ts';
import type { Entries } from './init-draft.ts';

/** What an existing routes.yaml has, as far as new entries must know. */
export interface Existing {
  readonly hasStore: boolean;
  /** The credential whose provider this is. */
  lenderOf(provider: string): string | undefined;
}

/** Looks at an existing file. Throws `usage` for what is not a mapping of sections. */
export function readExisting(text: string): Existing {
  const root = rootOf(text);
  const credentials = root.get('credentials');
  return {
    hasStore: root.has('store'),
    lenderOf(provider) {
      const entries = isMap(credentials) ? credentials.items : [];
      const found = entries.find(({ value }) => isMap(value) && value.get('provider') === provider);
      return found === undefined ? undefined : keyOf(found);
    },
  };
}

/**
 * The text with entries behind the last of their section; every other byte stays as it is. A section that is not there is
 * put at the end. Throws `usage` for an entry that is there already and for a section written in braces.
 */
export function insertEntries(text: string, entries: Entries): string {
  let result = text;
  for (const [section, added] of Object.entries(entries)) {
    if (added === '') continue;
    const pair = rootOf(result).items.find((one) => keyOf(one) === section) as Pair | undefined;
    result = pair === undefined ? append(result, section, added) : insert(result, section, pair, added);
  }
  return result;
}

function append(text: string, section: string, added: string): string {
  return `${text.replace(/\n*$/, '\n')}\n${section}:\n${added}`;
}

function insert(text: string, section: string, pair: Pair, added: string): string {
  const { value } = pair;
  const name = /^ {2}(\S+):/.exec(added)?.[1] ?? '';
  if (isMap(value) && value.has(name)) {
    const other = section === 'routes' ? '--prefix' : '--credential';
    throw new CupbearerError(
      'usage',
      `${section} has ${name} already; give the new one another name with ${other}`,
    );
  }
  if (isMap(value) && value.flow === true) {
    throw new CupbearerError('usage', `${section} is written in braces; add to it by hand:\n${added}`);
  }
  const last = isMap(value) ? value.items.at(-1) : undefined;
  const end = endOfLine(text, lastOffset(last ?? pair));
  const indent = last === undefined ? '  ' : indentOf(text, last);
  const lines = added.replace(/^ {2}(?=.)/gm, indent);
  return `${text.slice(0, end).replace(/\n?$/, '\n')}${lines}${text.slice(end)}`;
}

/** Behind the last character of an entry, comments beneath it not counted. */
function lastOffset({ key, value }: Pair): number {
  if (isMap(value) && value.flow !== true && value.items.length > 0) {
    return lastOffset(value.items.at(-1) as Pair);
  }
  const node = (isScalar(value) && value.value === null ? key : (value ?? key)) as {
    range?: [number, number, number];
  };
  return node.range?.[1] ?? 0;
}

/** The beginning of the line after the one that an entry's last character is on. */
function endOfLine(text: string, offset: number): number {
  if (text[offset - 1] === '\n') return offset;
  const at = text.indexOf('\n', offset);
  return at === -1 ? text.length : at + 1;
}

function indentOf(text: string, { key }: Pair): string {
  const at = (key as { range?: [number, number, number] }).range?.[0] ?? 0;
  return text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}

function rootOf(text: string): YAMLMap {
  const document = parseDocument(text);
  if (document.errors.length === 0 && isMap(document.contents)) return document.contents;
  throw new CupbearerError(
    'usage',
    'the file is not one to add to; run cupbearer check, or write another with --output',
  );
}

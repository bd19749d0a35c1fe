import { dirname, resolve } from 'node:path';

/** Where `${…}` gets its values. */
export interface Sources {
  /** The configuration file; relative paths in `${file:…}` start at its directory. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file. Throws what node:fs throws. */
  readonly readFile: (path: string) => string;
}

/** The text with every placeholder replaced, or why that cannot be; reasons never hold a value. */
export type Interpolated =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reasons: readonly string[] };

/** What one placeholder of a text gave, and where it came from; defaults in it count as well. */
export interface Given {
  readonly value: string;
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly variables: readonly string[];
}

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'env'; readonly name: string; readonly fallback: readonly Part[] | undefined }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'bad'; readonly reason: string };

/** Whether the text has anything for `interpolate` to do. */
export function isTemplate(text: string): boolean {
  return text.includes('${');
}

/** Whether the text is nothing but placeholders without defaults, so that it shows no value itself. */
export function isPlaceholderOnly(text: string): boolean {
  return /^(?:\$\{(?:(?:env:)?[A-Za-z_][A-Za-z0-9_]*|file:[^${}]+)\})+$/.test(text);
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` (also when NAME is empty), `${env:NAME}` and `${file:/path}` (without one
 * trailing newline); `$${` stands for `${`. A default may hold placeholders. Values are not looked at again. `tell` is
 * called for each placeholder that is not in a default.
 */
export function interpolate(text: string, sources: Sources, tell?: (given: Given) => void): Interpolated {
  const reasons: string[] = [];
  let result = '';
  for (const part of parseParts(text, 0, false).parts) {
    const value = expand([part], sources, reasons);
    result += value;
    if (part.kind === 'env' || part.kind === 'file')
      tell?.({ value, files: filesIn([part], sources), variables: variablesIn([part]) });
  }
  return reasons.length === 0 ? { ok: true, text: result } : { ok: false, reasons };
}

/** Absolute paths of every `${file:…}` in the text, those in defaults too. */
export function filesOf(text: string, sources: Pick<Sources, 'file'>): string[] {
  return filesIn(parseParts(text, 0, false).parts, sources);
}

function filesIn(parts: readonly Part[], sources: Pick<Sources, 'file'>): string[] {
  const visit = (part: Part): string[] => {
    if (part.kind === 'file') return [absolutePath(part.path, sources)];
    return part.kind === 'env' ? (part.fallback ?? []).flatMap(visit) : [];
  };
  return [...new Set(parts.flatMap(visit))];
}

/** The names of every environment variable in the text, those in defaults too. */
export function variablesOf(text: string): string[] {
  return variablesIn(parseParts(text, 0, false).parts);
}

function variablesIn(parts: readonly Part[]): string[] {
  const visit = (part: Part): string[] =>
    part.kind === 'env' ? [part.name, ...(part.fallback ?? []).flatMap(visit)] : [];
  return [...new Set(parts.flatMap(visit))];
}

/** A path of the configuration: relative ones start at the directory of the file. */
export function absolutePath(path: string, { file }: Pick<Sources, 'file'>): string {
  return resolve(dirname(file), path);
}

function expand(parts: readonly Part[], sources: Sources, reasons: string[]): string {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'text') text += part.text;
    else if (part.kind === 'bad') reasons.push(part.reason);
    else if (part.kind === 'env') text += readVariable(part, sources, reasons);
    else text += readFilePart(part.path, sources, reasons);
  }
  return text;
}

function readVariable(part: Part & { kind: 'env' }, sources: Sources, reasons: string[]): string {
  const value = Object.hasOwn(sources.env, part.name) ? sources.env[part.name] : undefined;
  if (part.fallback !== undefined) return value || expand(part.fallback, sources, reasons);
  if (value === undefined) {
    reasons.push(
      `the environment variable ${part.name} is not set; set it, or give a default: \${${part.name}:-…}`,
    );
  }
  return value ?? '';
}

function readFilePart(path: string, sources: Sources, reasons: string[]): string {
  const absolute = absolutePath(path, sources);
  try {
    return sources.readFile(absolute).replace(/\r?\n$/, '');
  } catch (error) {
    reasons.push(`cannot read the file ${absolute}: ${fileReason(error)}`);
    return '';
  }
}

/** Why reading a file failed, in a few words. */
export function fileReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'no permission';
    case 'EISDIR':
      return 'it is a directory';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'it is not UTF-8 text';
    default:
      return code === '' ? 'it cannot be read' : code;
  }
}

interface Parsed {
  readonly parts: readonly Part[];
  /** Index after the last character read. */
  readonly end: number;
  /** Whether a closing brace ended it. */
  readonly closed: boolean;
}

const maxNesting = 8;

function parseParts(text: string, start: number, inner: boolean, depth = 0): Parsed {
  const parts: Part[] = [];
  let literal = '';
  let at = start;
  while (at < text.length) {
    if (inner && text[at] === '}') return { parts: withText(parts, literal), end: at + 1, closed: true };
    if (text.startsWith('$${', at)) {
      literal += '${';
      at += 3;
    } else if (text.startsWith('${', at)) {
      const placeholder = parsePlaceholder(text, at + 2, depth + 1);
      parts.push(...(literal === '' ? [] : [{ kind: 'text', text: literal } as const]), placeholder.part);
      literal = '';
      at = placeholder.end;
    } else {
      literal += text[at++];
    }
  }
  return { parts: withText(parts, literal), end: at, closed: false };
}

function withText(parts: readonly Part[], literal: string): readonly Part[] {
  return literal === '' ? parts : [...parts, { kind: 'text', text: literal }];
}

const head = /(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(\}|:-)/y;
const fileHead = /file:([^${}]+)\}/y;

function parsePlaceholder(text: string, at: number, depth: number): { part: Part; end: number } {
  if (depth > maxNesting) return bad('placeholders are nested too deeply', text.length);
  fileHead.lastIndex = at;
  const file = fileHead.exec(text);
  if (file !== null) return { part: { kind: 'file', path: file[1] as string }, end: fileHead.lastIndex };
  head.lastIndex = at;
  const variable = head.exec(text);
  if (variable !== null) {
    const name = variable[1] as string;
    const after = head.lastIndex;
    if (variable[2] === '}') return { part: { kind: 'env', name, fallback: undefined }, end: after };
    const fallback = parseParts(text, after, true, depth);
    const inside = fallback.parts.find((part) => part.kind === 'bad');
    if (!fallback.closed && inside !== undefined) return { part: inside, end: fallback.end };
    if (!fallback.closed) return bad(`the default of \${${name}:-…} has no closing brace`, fallback.end);
    return { part: { kind: 'env', name, fallback: fallback.parts }, end: fallback.end };
  }
  const close = text.indexOf('}', at);
  if (close === -1) return bad('a placeholder has no closing brace; write $${ for a literal ${', text.length);
  const forms = 'write ${NAME}, ${NAME:-default}, ${env:NAME} or ${file:/path}; $${ stands for a literal ${';
  return bad(`a placeholder is not understood: ${forms}`, close + 1);
}

function bad(reason: string, end: number): { part: Part; end: number } {
  return { part: { kind: 'bad', reason }, end };
}

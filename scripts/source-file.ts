import { mask } from './mask.ts';

/** One import, export-from, or dynamic import of a module. */
export interface Import {
  readonly specifier: string;
  /** True when nothing of it is left after types are stripped. */
  readonly typeOnly: boolean;
  /** Names it binds or re-exports; empty for `import '…'`, `import * as …` and `import('…')`. */
  readonly names: readonly string[];
  /** 1-based. */
  readonly line: number;
}

/** What the rules look at in one file. */
export interface SourceFile {
  /** Below `src/`, with `/`: `token/token.ts`. */
  readonly path: string;
  readonly imports: readonly Import[];
  /** Lines with a `fetch(` that is no method and no local name. */
  readonly globalFetch: readonly number[];
  /** Lines with a top-level `let` or `var`. */
  readonly mutableState: readonly number[];
  readonly lines: number;
}

const fromClause = /^[ \t]*(import|export)\b([^;'"]*?)\bfrom\s*(['"])/gm;
const bareImport = /^[ \t]*import\s*(['"])/gm;
const dynamicImport = /\bimport\s*\(\s*(['"])/g;

/** Reads one TypeScript file; `path` is below `src/`. */
export function readSource(path: string, source: string): SourceFile {
  const code = mask(source);
  const lineOf = (offset: number) => source.slice(0, offset).split('\n').length;
  const imports: Import[] = [];
  const add = (match: RegExpExecArray, clause: string) => {
    const open = match.index + match[0].length;
    const specifier = source.slice(open, code.indexOf(source[open - 1] as string, open));
    const names = namesOf(clause);
    const start = match.index + match[0].search(/\S/);
    imports.push({ specifier, typeOnly: isTypeOnly(clause), names, line: lineOf(start) });
  };
  for (const match of code.matchAll(fromClause)) add(match, match[2] as string);
  for (const match of code.matchAll(bareImport)) add(match, '');
  for (const match of code.matchAll(dynamicImport)) add(match, '');
  const bound =
    imports.some(({ names }) => names.includes('fetch')) || /\b(function|const|let)\s+fetch\b/.test(code);
  const linesOf = (pattern: RegExp) => [...code.matchAll(pattern)].map((match) => lineOf(match.index));
  return {
    path,
    imports: imports.sort((a, b) => a.line - b.line),
    globalFetch: linesOf(bound ? /\bglobalThis\.fetch\b/g : /\bglobalThis\.fetch\b|(?<![\w$.])fetch\s*\(/g),
    mutableState: linesOf(/^(?:export )?(?:let|var) /gm),
    lines: source.split('\n').length - (source.endsWith('\n') ? 1 : 0),
  };
}

function isTypeOnly(clause: string): boolean {
  if (/^\s+type\b(?!\s*(?:,|from\b))/.test(clause)) return true;
  const braces = /^\s*\{([^}]*)\}\s*$/.exec(clause);
  if (braces === null) return false;
  const parts = splitNames(braces[1] as string);
  return parts.length > 0 && parts.every((part) => /^type\s+\S/.test(part));
}

function namesOf(clause: string): string[] {
  const [defaults = '', inside = ''] = clause.replace('}', '').split('{');
  const parts = [...splitNames(defaults.replace(/^\s+type\b/, '')), ...splitNames(inside)];
  return parts
    .map((part) => part.replace(/^type\s+/, ''))
    .map((part) => part.split(/\s+as\s+/).at(-1) as string);
}

function splitNames(list: string): string[] {
  return list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== '*');
}

import { posix } from 'node:path';
import type { Import, SourceFile } from './source-file.ts';

/** One broken rule. `line` is 1-based. */
export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

type Access = 'all' | 'types';

/** Which rooms a room may enter, and whether for more than types. Each may import itself; `errors` stands for errors.ts. */
const rooms: Record<string, Record<string, Access>> = {
  errors: {},
  undici: {},
  'tls-faults': {},
  provider: { errors: 'all' },
  config: { provider: 'all', errors: 'all' },
  store: { config: 'types', errors: 'all' },
  token: {
    provider: 'all',
    store: 'all',
    config: 'types',
    errors: 'all',
    undici: 'all',
    'tls-faults': 'all',
  },
  gateway: { token: 'types', config: 'types', errors: 'all', undici: 'all', 'tls-faults': 'all' },
  telemetry: { errors: 'all' },
  workers: { token: 'all', telemetry: 'types', config: 'types', errors: 'all' },
  admin: { token: 'types', config: 'types', errors: 'all' },
  demo: {
    provider: 'all',
    config: 'all',
    store: 'all',
    token: 'all',
    gateway: 'all',
    telemetry: 'all',
    admin: 'all',
    errors: 'all',
  },
  cli: {
    provider: 'all',
    config: 'all',
    store: 'all',
    token: 'all',
    gateway: 'all',
    telemetry: 'all',
    workers: 'all',
    admin: 'all',
    errors: 'all',
  },
  main: { cli: 'all', errors: 'all' },
};

/** Single files that may enter what their room may not. */
const doors: Record<string, string> = { 'cli/demo.ts': 'demo' };

/** Packages that only one room may import. */
const ownedPackages: Record<string, string> = {
  pino: 'telemetry',
  ws: 'demo',
  '@opentelemetry/api': 'telemetry',
  '@opentelemetry/sdk-trace': 'telemetry',
  '@opentelemetry/resources': 'telemetry',
  '@opentelemetry/exporter-trace-otlp-http': 'telemetry',
};

const bannedNames =
  /^(?:index|utils?|helpers?|managers?|services?|common)$|[-.](?:utils?|helpers?|manager|service)$/;

export const warnLines = 250;
const maxLines = 300;

/** Every broken rule of DESIGN's house, sorted by file and line. */
export function violations(files: readonly SourceFile[]): Violation[] {
  const known = new Set(files.map((file) => file.path));
  const found = files.flatMap((file) => [
    ...fileRules(file),
    ...file.imports.flatMap((one) => importRule(file, one, known)),
  ]);
  return [...found, ...cycles(files)].sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line);
}

/** Files that are still allowed but longer than they should be. */
export function longFiles(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ lines }) => lines > warnLines && lines <= maxLines);
}

function fileRules({ path, lines, globalFetch, mutableState }: SourceFile): Violation[] {
  const found: Violation[] = [];
  const name = posix.basename(path, '.ts');
  if (bannedNames.test(name))
    found.push({ path, line: 1, message: `a file must say what it is about; "${name}" does not` });
  if (rooms[roomOf(path)] === undefined)
    found.push({ path, line: 1, message: `"${roomOf(path)}" is no room of the house` });
  if (lines > maxLines) found.push({ path, line: lines, message: `${lines} lines; at most ${maxLines}` });
  for (const line of globalFetch)
    found.push({ path, line, message: 'the global fetch; import it from undici' });
  for (const line of mutableState)
    found.push({ path, line, message: 'mutable state at module level; pass it as an argument' });
  return found;
}

function importRule(
  { path }: SourceFile,
  { specifier, typeOnly, line }: Import,
  known: ReadonlySet<string>,
): Violation[] {
  const broken = (message: string): Violation[] => [{ path, line, message }];
  const from = roomOf(path);
  if (!specifier.startsWith('.')) {
    const owner = ownedPackages[specifier];
    return owner === undefined || owner === from ? [] : broken(`only ${owner}/ imports ${specifier}`);
  }
  const target = targetOf(path, specifier);
  if (target.startsWith('../')) return broken(`${specifier} is outside src/`);
  if (!known.has(target)) return broken(`${specifier} is no file of src/; imports end in .ts`);
  const to = roomOf(target);
  if (to === from || doors[path] === to) return [];
  const access = rooms[from]?.[to];
  if (access === undefined) return broken(`${from} must not import ${to}`);
  if (access === 'types' && !typeOnly)
    return broken(`${from} may import only types from ${to}; write "import type"`);
  return [];
}

/** One violation for each import that closes a cycle, type-only imports included. */
function cycles(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const trail: string[] = [];
  const found: Violation[] = [];
  const visit = (path: string) => {
    trail.push(path);
    for (const { specifier, line } of byPath.get(path)?.imports ?? []) {
      if (!specifier.startsWith('.')) continue;
      const target = targetOf(path, specifier);
      const start = trail.indexOf(target);
      if (start >= 0) {
        found.push({ path, line, message: `cycle: ${[...trail.slice(start), target].join(' → ')}` });
      } else if (byPath.has(target) && !done.has(target)) {
        visit(target);
      }
    }
    trail.pop();
    done.add(path);
  };
  for (const { path } of files) if (!done.has(path)) visit(path);
  return found;
}

function roomOf(path: string): string {
  return path.includes('/') ? (path.split('/')[0] as string) : posix.basename(path, '.ts');
}

function targetOf(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier);
}

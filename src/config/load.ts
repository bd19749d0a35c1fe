import { readFileSync } from 'node:fs';
import type { Provider, ProviderSpec } from '../provider/provider.ts';
import type { Config, Problem } from './config.ts';
import { resolveCredentials } from './credentials.ts';
import { readDocument } from './document.ts';
import { checkCallers, checkProviderEntries } from './entry-rules.ts';
import { fileMode } from './file-mode.ts';
import { settleGrants } from './grants.ts';
import { checkExtends } from './inheritance.ts';
import { fileReason } from './interpolate.ts';
import { Findings } from './problems.ts';
import { resolveProviders } from './providers.ts';
import { checkReferencesOfUnusable } from './references.ts';
import { resolveRoutes } from './routes.ts';
import { Secret } from './secret.ts';
import { readSections, type Sections } from './sections.ts';
import { resolveServer } from './server-rules.ts';
import { maskStoreUrl, resolveStore } from './store-rules.ts';

export interface LoadOptions {
  /** Name of the configuration file, for problems and for relative paths. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file for `${file:…}` and tls; throws what node:fs throws. Default: reads UTF-8 from the disk. */
  readonly readFile?: (path: string) => string;
  /** The permissions of such a file, undefined when there are none. Default: those on the disk. */
  readonly modeOf?: (path: string) => number | undefined;
  /** The permissions of the file the text comes from. Absent: they do not matter. */
  readonly ownMode?: number | undefined;
  readonly presets: Readonly<Record<string, ProviderSpec>>;
}

/** The configuration, deeply frozen, or undefined when a problem of level error was found. */
export interface Loaded {
  readonly config: Config | undefined;
  /** In file order, warnings too. */
  readonly problems: Problem[];
}

/** What a configuration file holds; `text` is undefined when it cannot be read. */
export interface LoadedFile extends Loaded {
  readonly text: string | undefined;
}

/** Reads a configuration text. Never throws on what a user can write. */
export function load(text: string, options: LoadOptions): Loaded {
  const { file, env, readFile = readText, modeOf = fileMode, ownMode, presets } = options;
  const plain = text.replace(/^\uFEFF/, '');
  const findings = new Findings(file, plain);
  const { root, faults, masked } = readDocument(plain);
  for (const range of masked) findings.mask(range);
  for (const { at, message, unparsed } of faults) {
    // The parser notices a missing bracket or quote at the end of the file, behind the last line.
    const end = plain.trimEnd().length;
    findings.add(unparsed && at > end ? end : at, [], message, { unparsed });
  }
  if (root === undefined) {
    if (faults.length === 0) findings.add(undefined, [], 'the file is empty; write credentials: and routes:');
    return { config: undefined, problems: findings.problems() };
  }
  if (root.kind !== 'map') {
    findings.mask(root.range);
    if (root.kind !== 'broken')
      findings.add(root.range[0], [], 'expected a mapping with credentials: and routes:');
    return { config: undefined, problems: findings.problems() };
  }
  maskStoreUrl(root, findings);
  const sources = { file, env, readFile };
  const written = readSections(root, { sources, findings, modeOf, ownMode, sensitive: [] });
  const sections = settleGrants(written, presets);
  const config = resolveConfig(sections, presets);
  return { config: findings.errors === 0 ? config : undefined, problems: findings.problems() };
}

/** Reads a configuration file; a file that cannot be read is a problem, not an error thrown. */
export function loadFile(path: string, options: Pick<LoadOptions, 'env' | 'presets'>): LoadedFile {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    const hint = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const message = `cannot read the configuration: ${fileReason(error)}`;
    const next = hint ? '; name it with --config FILE or CUPBEARER_CONFIG' : '';
    const problem = {
      file: path,
      line: 0,
      column: 0,
      path: '',
      message: message + next,
      level: 'error',
    } as const;
    return { config: undefined, problems: [problem], text: undefined };
  }
  return { ...load(text, { ...options, file: path, ownMode: fileMode(path) }), text };
}

function resolveConfig(sections: Sections, presets: LoadOptions['presets']): Config | undefined {
  checkCallers(sections);
  checkReferencesOfUnusable(sections, presets);
  const faulty = new Set([...checkProviderEntries(sections), ...checkExtends(sections, presets)]);
  const resolved = resolveProviders(sections, presets, faulty);
  const credentials = resolveCredentials(sections, resolved);
  const routes = resolveRoutes(sections, resolved);
  const store = resolveStore(sections);
  const server = resolveServer(sections);
  const lent = Object.values(credentials).map(({ using }) => using);
  const used = new Set([...routes.map(({ credential }) => credential), ...lent]);
  for (const name of sections.credentials.names) {
    if (used.has(name) || sections.context.findings.errors > 0) continue;
    sections.tell(['credentials', name], `no route uses credential ${name}`, {
      atKey: true,
      level: 'warning',
    });
  }
  if (server === undefined || store === undefined) return undefined;
  const providers = [...resolved].map(([name, { provider }]): [string, Provider] => [
    name,
    structuredClone(provider),
  ]);
  return freeze({
    server,
    store,
    callers: Object.fromEntries(sections.callers.entries),
    providers: Object.fromEntries(providers),
    credentials,
    routes,
    sensitive: sections.context.sensitive,
  });
}

/** Strict UTF-8; a byte order mark is dropped. */
function readText(path: string): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  for (const child of Object.values(value)) freeze(child);
  return value;
}

import { stringify } from 'yaml';
import type { Problem } from '../config/config.ts';
import { variablesOf } from '../config/interpolate.ts';
import { load } from '../config/load.ts';
import { CupbearerError } from '../errors.ts';
import type { GrantType } from '../provider/grant-type.ts';
import { presets } from '../provider/presets.ts';

/** What `init` knows so far of one vendor's entry; values are texts as they stand in routes.yaml. */
export interface Draft {
  /** A preset. */
  readonly preset: string;
  readonly credential: string;
  readonly prefix: string;
  readonly grant: GrantType;
  readonly upstream?: string | undefined;
  /** Of a vendor without a preset. */
  readonly tokenUrl?: string | undefined;
  readonly authorizeUrl?: string | undefined;
  /** Further keys of the credential, in their order. */
  readonly keys: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly store?: { readonly url: string; readonly key: string } | undefined;
}

/** Something the loader finds missing. `param`: a parameter of the token requests. */
export type Lack =
  | { readonly kind: 'key' | 'param'; readonly name: string }
  | { readonly kind: 'upstream' | 'tls' | 'tenant' };

/** The entries of a draft by the section they go to, each indented by two spaces. */
export interface Entries {
  readonly store: string;
  readonly providers: string;
  readonly credentials: string;
  readonly routes: string;
}

/** Writes the entries of a draft. `note` says what stands behind the grant type. */
export function entriesOf(draft: Draft, note = ''): Entries {
  const { preset, credential, prefix, grant, upstream, tokenUrl, authorizeUrl, keys, store } = draft;
  const own = tokenUrl !== undefined || authorizeUrl !== undefined;
  const provider = {
    [credential]: {
      extends: preset,
      ...(tokenUrl === undefined ? {} : { token: { url: tokenUrl } }),
      ...(authorizeUrl === undefined ? {} : { authorize: { url: authorizeUrl } }),
    },
  };
  const entry = { provider: own ? credential : preset, grant_type: grant, ...inOrder(keys) };
  const written = block({ [credential]: entry }).replace(/^( +grant_type: .+)$/m, `$1${note}`);
  return {
    store: store === undefined ? '' : block(store),
    providers: own ? block(provider) : '',
    credentials: written,
    routes: block({ [prefix]: { credential, ...(upstream === undefined ? {} : { upstream }) } }),
  };
}

/** Sections of a file that has nothing else. */
export function sectionsOf(entries: Entries): string {
  return Object.entries(entries)
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `${name}:\n${text}`)
    .join('\n');
}

/**
 * What the loader misses in a draft that stands in `text`, whatever the environment and the files hold. Throws `usage` for
 * what is wrong in another way.
 */
export function lacksOf(draft: Draft, text: string): Lack[] {
  const { credential, prefix } = draft;
  const own = [`credentials.${credential}`, `providers.${credential}`, `routes.${prefix}`, 'store'];
  const found = rehearse(text).filter(({ path }) =>
    own.some((one) => path === one || path.startsWith(`${one}.`)),
  );
  return found.map(({ path, message }) => {
    const lack = lackIn(message);
    if (lack === undefined) throw new CupbearerError('usage', `${path}: ${message}`);
    return lack;
  });
}

/**
 * The errors of a configuration when every variable and file it names has a value that fits. What only a real key or
 * certificate could show is left out.
 */
export function rehearse(text: string): Problem[] {
  const env = Object.fromEntries(
    variablesOf(text).map((name) => [name, /URL$/.test(name) ? 'https://x.example' : anyKey]),
  );
  const options = { file: 'routes.yaml', env, presets, readFile: () => anyKey, modeOf: () => undefined };
  return load(text, options).problems.filter(
    ({ level, path }) =>
      level === 'error' && !/\.(?:private_key|tls|client_ca)\b/.test(path) && !path.startsWith('server.tls'),
  );
}

/** Fits wherever a key of a store, a secret or an identifier is wanted. */
const anyKey = `${'A'.repeat(43)}=`;

function lackIn(message: string): Lack | undefined {
  const key = /^(\w+) is missing: /.exec(message)?.[1];
  if (key !== undefined) return { kind: 'key', name: key };
  const param = /write params: \{ ([\w.-]+): /.exec(message)?.[1];
  if (param !== undefined) return { kind: 'param', name: param };
  const value = /^\{(client_\w+|username|password|scope|audience)\} has no value /.exec(message)?.[1];
  if (value !== undefined) return { kind: 'key', name: value };
  if (message.includes('give this credential a base_url')) return { kind: 'key', name: 'base_url' };
  if (message.startsWith('the upstream is ')) return { kind: 'upstream' };
  if (message.startsWith('tls.cert and tls.key are missing')) return { kind: 'tls' };
  return message.includes('write tenant: { header:') ? { kind: 'tenant' } : undefined;
}

const firstKeys = ['base_url', 'using', 'client_id', 'client_secret'];

function inOrder(keys: Draft['keys']): Draft['keys'] {
  const first = firstKeys.filter((name) => keys[name] !== undefined);
  return { ...Object.fromEntries(first.map((name) => [name, keys[name] ?? ''])), ...keys };
}

function block(value: object): string {
  return stringify(value, { lineWidth: 0, flowCollectionPadding: true }).replace(/^(?=.)/gm, '  ');
}

import type { Config } from './config.ts';
import { Secret } from './secret.ts';

/** What a configuration that takes another's place changes, by name, each list in the order of its file. */
export interface Succession {
  /** The new configuration, with the old one's own objects for what both say alike: who holds one need not change. */
  readonly config: Config;
  readonly credentials: Changes;
  readonly routes: Changes;
  readonly callers: Changes;
  /** Something of `server` is another. */
  readonly server: boolean;
}

export interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Has `after` take the place of `before`. A credential is the same when it, its provider and the credential it uses are;
 * a secret when it has the same text from the same places.
 */
export function succeed(before: Config, after: Config): Succession {
  const kept = keptCredentials(before, after);
  const credentials = withKept(before.credentials, after.credentials, (name) => kept.has(name));
  const providers = withKept(before.providers, after.providers, (name) => kept.has(name));
  const alike = <T>(old: Entries<T>, fresh: Entries<T>) =>
    withKept(old, fresh, (name) => Object.hasOwn(old, name) && isSame(old[name], fresh[name]));
  const callers = alike(before.callers, after.callers);
  const routes = alike(byPrefix(before.routes), byPrefix(after.routes));
  return {
    config: Object.freeze({
      ...after,
      server: isSame(before.server, after.server) ? before.server : after.server,
      // Its secrets are read once, at the start.
      store: before.store,
      callers: Object.freeze(callers),
      providers: Object.freeze(providers),
      credentials: Object.freeze(credentials),
      routes: Object.freeze(Object.values(routes)),
    }),
    credentials: changesOf(before.credentials, credentials),
    callers: changesOf(before.callers, callers),
    routes: changesOf(byPrefix(before.routes), routes),
    server: !isSame(before.server, after.server),
  };
}

/** Whether nothing is another. */
export function isUnchanged({ credentials, routes, callers, server }: Succession): boolean {
  const lists = [credentials, routes, callers].flatMap((one) => Object.values(one));
  return !server && lists.every((names) => names.length === 0);
}

/** Keys whose values cannot become others while we serve; empty when a configuration can take another's place. */
export function needsRestart(before: Config, after: Config): string[] {
  const [old, fresh] = [before.server, after.server];
  const keys = (['listen', 'admin', 'workers'] as const)
    .filter((key) => !isSame(old[key], fresh[key]))
    .map((key) => `server.${key}`);
  if ((old.tls === undefined) !== (fresh.tls === undefined)) keys.push('server.tls');
  else if ((old.tls?.client_ca === undefined) !== (fresh.tls?.client_ca === undefined))
    keys.push('server.tls.client_ca');
  if (!isSame(before.store, after.store, isFromSamePlace)) keys.push('store');
  return keys;
}

function keptCredentials(before: Config, after: Config): ReadonlySet<string> {
  const kept = new Set(
    Object.keys(after.credentials).filter(
      (name) =>
        Object.hasOwn(before.credentials, name) &&
        isSame(before.credentials[name], after.credentials[name]) &&
        isSame(before.providers[name], after.providers[name]),
    ),
  );
  // Tokens that were had by way of another credential are its, too.
  for (let size = -1; size !== kept.size; ) {
    size = kept.size;
    for (const name of kept) {
      const using = after.credentials[name]?.using;
      if (using !== undefined && !kept.has(using)) kept.delete(name);
    }
  }
  return kept;
}

type Entries<T> = Readonly<Record<string, T>>;

/** The entries of `after`, those of `before` where `isKept`. */
function withKept<T>(before: Entries<T>, after: Entries<T>, isKept: (name: string) => boolean): Entries<T> {
  return Object.fromEntries(
    Object.entries(after).map(([name, entry]) => [name, isKept(name) ? (before[name] as T) : entry]),
  );
}

function byPrefix(routes: Config['routes']): Entries<Config['routes'][number]> {
  return Object.fromEntries(routes.map((route) => [route.prefix, route]));
}

/** Of entries that are the same objects where nothing has changed. */
function changesOf(before: Entries<unknown>, after: Entries<unknown>): Changes {
  const names = Object.keys(after);
  return {
    added: names.filter((name) => !Object.hasOwn(before, name)),
    changed: names.filter((name) => Object.hasOwn(before, name) && before[name] !== after[name]),
    removed: Object.keys(before).filter((name) => !Object.hasOwn(after, name)),
  };
}

/** Plain data that may hold Secrets; the order of a mapping's keys says nothing, nor does one without a value. */
function isSame(a: unknown, b: unknown, isSecretSame = isSameSecret): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Secret || b instanceof Secret)
    return a instanceof Secret && b instanceof Secret && isSecretSame(a, b);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [given(a), given(b)];
  return (
    left.length === right.length &&
    left.every(
      ([key, value]) =>
        Object.hasOwn(b, key) && isSame(value, (b as Record<string, unknown>)[key], isSecretSame),
    )
  );
}

function isSameSecret(a: Secret, b: Secret): boolean {
  return a.reveal() === b.reveal() && isSame(a.files, b.files) && isSame(a.variables, b.variables);
}

/** Whatever stands there now. */
function isFromSamePlace(a: Secret, b: Secret): boolean {
  const isWritten = a.files.length + a.variables.length === 0;
  return isWritten ? isSameSecret(a, b) : isSame(a.files, b.files) && isSame(a.variables, b.variables);
}

function given(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, one]) => one !== undefined);
}

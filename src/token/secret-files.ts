import { stateOf } from './file-state.ts';
import { type Holder, reread, secretsOf } from './secrets.ts';

export interface SecretFilesInit {
  readonly entries: Readonly<Record<string, Holder>>;
  /** Other texts are in force now; `names` are keys of the entry. */
  changed(entry: string, names: readonly string[]): void;
  /** A source gave nothing usable, and the text before stays; told once until it does. */
  kept(entry: string, name: string, reason: string): void;
}

/** The files that the secrets and TLS identities of credentials, or the keys of callers, come from, and what becomes of their changes. */
export class SecretFiles {
  readonly #init: SecretFilesInit;
  /** Path → the entries whose secrets, and those whose TLS files, lie there. */
  readonly #secretPaths = new Map<string, Set<string>>();
  readonly #tlsPaths = new Map<string, Set<string>>();
  /** Path → what tells two states of the file apart, as seen last. */
  readonly #seen = new Map<string, string>();
  readonly #told = new Map<string, string>();
  #looking = false;

  constructor(init: SecretFilesInit) {
    this.#init = init;
    for (const [name, config] of Object.entries(init.entries)) {
      const files = secretsOf(config).flatMap(([, secret]) => secret.files);
      for (const path of files) add(this.#secretPaths, path, name);
      const { ca, cert, key } = 'tls' in config ? config.tls : {};
      for (const path of [ca, cert, key]) if (path !== undefined) add(this.#tlsPaths, path, name);
    }
  }

  /** Looks once at each path and reads what has changed since; the first time everything. Never rejects. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const paths = new Set([...this.#secretPaths.keys(), ...this.#tlsPaths.keys()]);
    const states = await Promise.all([...paths].map(async (path) => [path, await stateOf(path)] as const));
    this.#looking = false;
    const due = new Set<string>();
    const tls = new Set<string>();
    for (const [path, state] of states) {
      const before = this.#seen.get(path);
      this.#seen.set(path, state);
      if (before === state) continue;
      for (const name of this.#secretPaths.get(path) ?? []) due.add(name);
      if (before !== undefined) for (const name of this.#tlsPaths.get(path) ?? []) tls.add(name);
    }
    for (const name of due) this.read(name);
    for (const name of tls) this.#init.changed(name, ['tls']);
  }

  /** Reads every secret, whether its file has changed or not. */
  readAll(): void {
    for (const name of Object.keys(this.#init.entries)) this.read(name);
  }

  /** Reads those of one entry. */
  read(name: string): void {
    const config = this.#init.entries[name];
    if (config === undefined) return;
    const { changed, kept } = reread(config);
    const reasons = new Map(kept);
    for (const key of Object.keys(config)) {
      const reason = reasons.get(key);
      const id = `${name}.${key}`;
      if (reason === undefined) this.#told.delete(id);
      else if (this.#told.get(id) !== reason) {
        this.#told.set(id, reason);
        this.#init.kept(name, key, reason);
      }
    }
    if (changed.length > 0) this.#init.changed(name, changed);
  }
}

function add(map: Map<string, Set<string>>, path: string, name: string): void {
  map.set(path, (map.get(path) ?? new Set()).add(name));
}

import { inspect } from 'node:util';

/** A string that prints as `[secret]` wherever it is shown and can be read again from where it came. */
export class Secret {
  #value: string;
  #source: (() => string) | undefined;
  #changed: ((fresh: string, before: string) => void) | undefined;
  /** Absolute paths of the files its text is read from; a change of one is a reason to reread. */
  readonly files: readonly string[];
  /** Names of the environment variables its text is read from. */
  readonly variables: readonly string[];

  constructor(
    value: string,
    source?: () => string,
    files: readonly string[] = [],
    variables: readonly string[] = [],
  ) {
    this.#value = value;
    this.#source = source;
    this.files = files;
    this.variables = variables;
  }

  /** The text itself. Call it only where it goes on the wire or is compared. */
  reveal(): string {
    return this.#value;
  }

  /**
   * Reads the source again; true when the text changed. Throws what the source or `check` of a changed text throws, and
   * keeps the old text then.
   */
  reread(check?: (fresh: string) => void): boolean {
    const fresh = this.#source?.() ?? this.#value;
    const changed = fresh !== this.#value;
    if (!changed) return false;
    check?.(fresh);
    this.#changed?.(fresh, this.#value);
    this.#value = fresh;
    return true;
  }

  /** Has `changed` called just before another text is in force. It must not throw; it replaces the one before. */
  watch(changed: (fresh: string, before: string) => void): void {
    this.#changed = changed;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** Every Secret inside a value that is plain data otherwise, each once. */
export function secretsIn(value: unknown): Secret[] {
  const found = new Set<Secret>();
  const visit = (one: unknown): void => {
    if (one instanceof Secret) found.add(one);
    else if (typeof one === 'object' && one !== null) for (const child of Object.values(one)) visit(child);
  };
  visit(value);
  return [...found];
}

import { inspect } from 'node:util';

/** A string that prints as `[secret]` wherever it is shown and can be read again from where it came. */
export class Secret {
  #value: string;
  #source: (() => string) | undefined;
  /** Absolute paths of the files its text is read from; a change of one is a reason to reread. */
  readonly files: readonly string[];

  constructor(value: string, source?: () => string, files: readonly string[] = []) {
    this.#value = value;
    this.#source = source;
    this.files = files;
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
    if (changed) check?.(fresh);
    this.#value = fresh;
    return changed;
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

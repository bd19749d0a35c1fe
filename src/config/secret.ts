import { inspect } from 'node:util';

/** A string that prints as `[secret]` wherever it is shown and can be read again from where it came. */
export class Secret {
  #value: string;
  #source: (() => string) | undefined;

  constructor(value: string, source?: () => string) {
    this.#value = value;
    this.#source = source;
  }

  /** The text itself. Call it only where it goes on the wire or is compared. */
  reveal(): string {
    return this.#value;
  }

  /** Reads the source again; true when the text changed. Throws what the source throws, and keeps the old text then. */
  reread(): boolean {
    const fresh = this.#source?.() ?? this.#value;
    const changed = fresh !== this.#value;
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

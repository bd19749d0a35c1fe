import { CupbearerError } from '../errors.ts';
import type { Json } from './provider.ts';
import { render, soleName } from './template.ts';

/** By the vendor's names, in the order they were first set. */
export type Params = ReadonlyMap<string, Json>;
export type Lookup = (name: string) => string | undefined;

/** The parameters of one request: of those that come to one name the later replaces the earlier, and null removes it. */
export class ParamSet {
  readonly #rename: Readonly<Record<string, string>>;
  readonly #byName = new Map<string, Json>();

  /** `rename`: standard name → the vendor's, for whoever sets a parameter. */
  constructor(rename: Readonly<Record<string, string>>) {
    this.#rename = rename;
  }

  set(name: string, value: Json | undefined): void {
    const vendorName = Object.hasOwn(this.#rename, name) ? (this.#rename[name] ?? name) : name;
    if (value === null || value === undefined) this.#byName.delete(vendorName);
    else this.#byName.set(vendorName, value);
  }

  get params(): Params {
    return this.#byName;
  }
}

/** The texts among `values`, by name; a later record goes first. */
export function lookupIn(...values: readonly Readonly<Record<string, unknown>>[]): Lookup {
  const texts = new Map<string, string>();
  for (const [name, value] of values.flatMap((record) => Object.entries(record))) {
    if (typeof value === 'string') texts.set(name, value);
  }
  return (name) => texts.get(name);
}

/** For a URL: what `lookup` has, else the credential's own parameter of that name. */
export function withOwn(
  own: Readonly<Record<string, string | number | boolean | null>>,
  lookup: Lookup,
): Lookup {
  return (name) => {
    const known = lookup(name);
    if (known !== undefined || !Object.hasOwn(own, name)) return known;
    const value = own[name];
    return typeof value === 'string' ? renderText(value, lookup, `parameter ${name}`) : value?.toString();
  };
}

/** Every text inside rendered as `renderText` does; members and items that it leaves out are left out. */
export function renderJson(value: Json, lookup: Lookup, where: string): Json | undefined {
  if (typeof value === 'string') return renderText(value, lookup, where);
  if (Array.isArray(value)) {
    return value.map((item: Json) => renderJson(item, lookup, where)).filter((item) => item !== undefined);
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(
    ([key, item]) => [key, renderJson(item, lookup, `${where}.${key}`)] as const,
  );
  return Object.fromEntries(members.filter((member): member is [string, Json] => member[1] !== undefined));
}

/**
 * The text with its placeholders filled; undefined when it is one placeholder without a value: what it stands for is
 * left out. Throws `configuration-invalid` when a placeholder inside a longer text has no value.
 */
export function renderText(template: string, lookup: Lookup, where: string): string | undefined {
  const sole = soleName(template);
  if (sole !== undefined) return lookup(sole) || undefined;
  return render(template, (name) => lookup(name) ?? missing(name, where));
}

/** Throws `configuration-invalid`: a placeholder has no value. */
export function missing(name: string, where: string): never {
  throw new CupbearerError('configuration-invalid', `${where} needs {${name}}, which has no value`);
}

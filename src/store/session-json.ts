import { CupbearerError } from '../errors.ts';
import type { RawAnswer, Session, StoredToken } from './session.ts';

/** Throws CupbearerError `internal` for what `sessionFromJson` would not read: it must never be stored. */
export function sessionToJson(session: Session): string {
  const json = JSON.stringify(session);
  const wrong = wrongMember(JSON.parse(json), '');
  if (wrong !== undefined) throw new CupbearerError('internal', `a session cannot be stored: ${wrong}`);
  return json;
}

/** The session, members it does not know included; or the sentence that says why it is none. */
export function sessionFromJson(json: string): Session | string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return 'it is no JSON';
  }
  return wrongMember(value, '') ?? (value as Session);
}

/** What is wrong with the value at the path; undefined when nothing is. */
type Check = (value: unknown, path: string) => string | undefined;

const text: Check = (value, path) => (typeof value === 'string' ? undefined : `${path} is no text`);
const number: Check = (value, path) => (Number.isFinite(value) ? undefined : `${path} is no number`);
const flag: Check = (value, path) => (typeof value === 'boolean' ? undefined : `${path} is no boolean`);

const optional =
  (check: Check): Check =>
  (value, path) =>
    value === undefined ? undefined : check(value, path);

const texts: Check = (value, path) =>
  Array.isArray(value) ? firstOf(value.map((one, i) => text(one, `${path}[${i}]`))) : `${path} is no list`;

const textRecord: Check = (value, path) =>
  isObject(value)
    ? firstOf(Object.entries(value).map(([name, one]) => text(one, `${path}.${name}`)))
    : `${path} is no object`;

/** Names every member, so that the compiler tells when the type has another. */
const object =
  <T>(members: Record<keyof Required<T>, Check>): Check =>
  (value, path) =>
    isObject(value)
      ? firstOf(
          Object.entries<Check>(members).map(([name, check]) =>
            check(value[name], path === '' ? name : `${path}.${name}`),
          ),
        )
      : `${path || 'it'} is no object`;

const wrongMember = object<Session>({
  head: text,
  refresh_token: text,
  seed: optional(text),
  former_seeds: optional(texts),
  login: optional(textRecord),
  intent: optional(object<NonNullable<Session['intent']>>({ owner: text, startedWall: number })),
  raw: optional(
    object<RawAnswer>({
      status: number,
      contentType: optional(text),
      date: optional(text),
      body: text,
      t0Wall: number,
    }),
  ),
  token: optional(
    object<StoredToken>({
      value: text,
      fields: texts,
      lifetimeMs: number,
      lifetimeKnown: flag,
      renewAfterMs: optional(number),
      t0Wall: number,
      storedWall: number,
    }),
  ),
  spent: optional(text),
});

function firstOf(found: readonly (string | undefined)[]): string | undefined {
  return found.find((wrong) => wrong !== undefined);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

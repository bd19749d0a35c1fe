import * as v from 'valibot';
import { parseDocument } from 'yaml';
import type { Config } from './config.ts';
import { interpolate } from './interpolate.ts';
import { server } from './schema-server.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * `server.admin` of a configuration text, whatever else is wrong with it: an instance may serve there all the same.
 * Undefined when it cannot be told.
 */
export function adminAddress(text: string, env: Env): Config['server']['admin'] | undefined {
  const written = adminOf(text);
  const given =
    typeof written === 'string' ? interpolate(written, { file: '', env, readFile: unread }) : undefined;
  if (given?.ok === false) return undefined;
  const found = v.safeParse(server.entries.admin, given?.text ?? written);
  return found.success ? found.output : undefined;
}

/** What stands there, as far as the text is YAML; undefined where nothing does, null where that cannot be told. */
function adminOf(text: string): unknown {
  try {
    const root = parseDocument(text, { logLevel: 'silent' }).toJS() as Record<string, unknown> | null;
    const section = root?.server as Record<string, unknown> | null | undefined;
    return section?.admin;
  } catch {
    return null;
  }
}

function unread(): never {
  throw new Error('no file is read for an address');
}

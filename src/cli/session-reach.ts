import type { Config } from '../config/config.ts';
import { hasSession } from '../provider/grant-type.ts';

/** The credential whose session gives the tokens of this one: itself, or one that it uses; undefined when none does. */
export function sessionBehind(
  { credentials }: Pick<Config, 'credentials'>,
  name: string,
): string | undefined {
  for (let next: string | undefined = name; next !== undefined; next = credentials[next]?.using) {
    const grantType = credentials[next]?.grant_type;
    if (grantType !== undefined && hasSession(grantType)) return next;
  }
  return undefined;
}

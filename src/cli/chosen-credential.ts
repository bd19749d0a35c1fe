import type { Config } from '../config/config.ts';
import type { CredentialConfig } from '../config/schema.ts';
import { suggestion } from '../config/suggest.ts';
import { CupbearerError } from '../errors.ts';
import { isTenant } from '../token/tenants.ts';
import type { OptionSpec } from './command.ts';

/** The option of commands that are about one credential. */
export const tenantOption = {
  type: 'string',
  short: 't',
  value: 'TENANT',
  description: 'Whose token, of a credential with tenants',
} as const satisfies OptionSpec;

/** The credential a command line names. Throws `usage`. */
export function chosenCredential({ credentials }: Config, name: string): CredentialConfig {
  const known = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
  if (known !== undefined) return known;
  const hint = suggestion(name, Object.keys(credentials));
  throw new CupbearerError('usage', `there is no credential ${JSON.stringify(name)}${hint}`);
}

/** The tenant a command line names, undefined for a credential without tenants. Throws `usage`. */
export function chosenTenant(
  { tenant: configured }: CredentialConfig,
  name: string,
  given: string | boolean | undefined,
): string | undefined {
  if (configured === undefined) {
    if (given === undefined) return undefined;
    throw new CupbearerError('usage', `credential ${name} has no tenants; leave --tenant out`);
  }
  if (given === undefined) {
    throw new CupbearerError(
      'usage',
      `credential ${name} has a token for each tenant; say which with --tenant`,
    );
  }
  if (typeof given === 'string' && isTenant(given)) return given;
  throw new CupbearerError('usage', 'a tenant is 1 to 256 visible ASCII characters');
}

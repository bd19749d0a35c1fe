import { basic } from './encoding.ts';
import type { Provider } from './provider.ts';
import { placeholdersIn } from './template.ts';

/** What a credential has to send without asking anybody. */
export interface KeyParts {
  readonly access_token: string | undefined;
  readonly client_id: string | undefined;
  readonly client_secret: string | undefined;
}

/** Of these the first that a provider sends is its key; a change of another is no change of the key. */
const names = ['access_token', 'basic', 'client_secret', 'client_id'] as const;
type KeyName = (typeof names)[number];

/** The values of `attach` for a credential of grant_type static. {basic} is that of RFC 7617, with nothing encoded before. */
export function keyFields({ access_token, client_id, client_secret }: KeyParts): Record<string, string> {
  const pair =
    client_id === undefined || client_secret === undefined
      ? undefined
      : basic(client_id, client_secret, 'raw').slice('Basic '.length);
  const all = { access_token, client_id, client_secret, basic: pair };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Every placeholder of the provider's `attach`. */
export function attachedNames({ attach }: Pick<Provider, 'attach'>): string[] {
  return [attach.value, ...Object.values(attach.headers)].flatMap(placeholdersIn);
}

/** Which of the values is the key itself; undefined when `attach` has none. */
export function keyName(provider: Pick<Provider, 'attach'>): KeyName | undefined {
  const attached = attachedNames(provider);
  return names.find((name) => attached.includes(name));
}

/** Whether `attach` may name it where the grant is static. */
export function isKeyName(name: string): name is KeyName {
  return (names as readonly string[]).includes(name);
}

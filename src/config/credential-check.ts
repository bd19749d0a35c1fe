import type { Provider } from '../provider/provider.ts';
import type { CredentialKey } from './grant-rules.ts';
import type { Path } from './problems.ts';
import type { CredentialConfig } from './schema.ts';
import type { Sections } from './sections.ts';

/** What is looked at: one credential and its provider, and how a missing key is told, once each. */
export interface CredentialCheck {
  readonly name: string;
  readonly credential: CredentialConfig;
  readonly provider: Provider;
  /** The entries of `providers:` the provider is made of, nearest first. */
  readonly chain: readonly string[];
  readonly sections: Sections;
  readonly need: (key: CredentialKey, why: string) => void;
}

/** Where the provider has the first of these keys that it has; where the credential names it when a preset has it. */
export function placeOf({ name, chain, sections }: CredentialCheck, ...keys: readonly Path[]): Path {
  const places = keys.flatMap((path) => chain.map((entry) => ['providers', entry, ...path]));
  return places.find(sections.has) ?? ['credentials', name, 'provider'];
}

import type { ProviderSpec } from '../provider/provider.ts';
import type { Sections } from './sections.ts';
import { suggestion } from './suggest.ts';

type Presets = Readonly<Record<string, ProviderSpec>>;

/** Whether a credential's provider exists; tells it when not. */
export function providerExists(
  credential: string,
  provider: string,
  sections: Sections,
  presets: Presets,
): boolean {
  const { providers, tell, quote } = sections;
  const known = [...providers.names, ...Object.keys(presets)];
  if (known.includes(provider)) return true;
  const path = ['credentials', credential, 'provider'];
  tell(
    path,
    `unknown provider ${quote(path, provider)}${suggestion(provider, known) || '; docs/providers.md lists them'}`,
  );
  return false;
}

/** Whether a route's credential exists; tells it when not. */
export function credentialExists(
  prefix: string,
  credential: string,
  { credentials, tell, quote }: Sections,
): boolean {
  if (credentials.names.has(credential)) return true;
  const path = ['routes', prefix, 'credential'];
  tell(path, `unknown credential ${quote(path, credential)}${suggestion(credential, credentials.names)}`);
  return false;
}

/** Looks at the references of entries that are not usable for another reason, so that one mistake hides no other. */
export function checkReferencesOfUnusable(sections: Sections, presets: Presets): void {
  const { credentials, routes, written } = sections;
  for (const name of credentials.names) {
    const provider = credentials.entries.has(name) ? undefined : written(['credentials', name, 'provider']);
    if (provider !== undefined) providerExists(name, provider, sections, presets);
  }
  for (const prefix of routes.names) {
    const credential = routes.entries.has(prefix) ? undefined : written(['routes', prefix, 'credential']);
    if (credential !== undefined) credentialExists(prefix, credential, sections);
  }
}

import { CupbearerError } from '../errors.ts';
import type { Provider, ProviderSpec } from '../provider/provider.ts';
import { resolveProvider } from '../provider/resolve.ts';
import { checkCredential } from './credential-rules.ts';
import { makeAbsolute, type ResolvedProvider } from './endpoints.ts';
import { providerChain } from './inheritance.ts';
import type { Sections } from './sections.ts';

/** The provider of every credential that has a usable one; what is wrong with it and the credential is told. */
export function resolveProviders(
  sections: Sections,
  presets: Readonly<Record<string, ProviderSpec>>,
  faulty: ReadonlySet<string>,
): Map<string, ResolvedProvider> {
  const resolved = new Map<string, ResolvedProvider>();
  for (const [name, credential] of sections.credentials.entries) {
    const chain = providerChain(name, credential.provider, sections, presets);
    const told = chain?.some((entry) => faulty.has(entry)) ?? false;
    const merged = chain && merge(name, credential.provider, sections, presets, told);
    if (merged === undefined || chain === undefined) continue;
    const one = makeAbsolute(name, credential, merged, chain, sections);
    checkCredential(name, credential, { provider: merged, chain }, sections);
    if (one !== undefined) resolved.set(name, one);
  }
  return resolved;
}

function merge(
  credential: string,
  name: string,
  { providers, tell }: Sections,
  presets: Readonly<Record<string, ProviderSpec>>,
  told: boolean,
): Provider | undefined {
  const spec = providers.entries.get(name) ?? presets[name];
  if (spec === undefined) return undefined;
  try {
    return resolveProvider(
      name,
      spec as ProviderSpec,
      presets,
      Object.fromEntries(providers.entries) as Record<string, ProviderSpec>,
    );
  } catch (error) {
    if (!(error instanceof CupbearerError)) throw error;
    if (told) return undefined;
    const own = providers.entries.has(name);
    tell(own ? ['providers', name] : ['credentials', credential, 'provider'], error.message, { atKey: own });
    return undefined;
  }
}

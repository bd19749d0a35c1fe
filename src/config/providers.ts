import { CupbearerError } from '../errors.ts';
import type { Provider, ProviderSpec } from '../provider/provider.ts';
import { grantTypesOf, resolveProvider } from '../provider/resolve.ts';
import { checkCredential } from './credential-rules.ts';
import { makeAbsolute, type ResolvedProvider } from './endpoints.ts';
import { tellRefused } from './grants.ts';
import { providerChain } from './inheritance.ts';
import type { CredentialConfig } from './schema.ts';
import type { Sections } from './sections.ts';

/** The provider of every credential that has a usable one and may ask it; what is wrong with them is told. */
export function resolveProviders(
  sections: Sections,
  presets: Readonly<Record<string, ProviderSpec>>,
  faulty: ReadonlySet<string>,
): Map<string, ResolvedProvider> {
  const resolved = new Map<string, ResolvedProvider>();
  for (const [name, credential] of sections.credentials.entries) {
    const chain = providerChain(name, credential.provider, sections, presets);
    const told = chain?.some((entry) => faulty.has(entry)) ?? false;
    const merged = chain && merge(name, credential, sections, presets, told);
    if (merged === undefined || chain === undefined) continue;
    const one = makeAbsolute(name, credential, merged, chain, sections);
    checkCredential(name, credential, { provider: merged, chain }, sections);
    if (one !== undefined) resolved.set(name, one);
  }
  return resolved;
}

function merge(
  credential: string,
  { provider: name, grant_type }: CredentialConfig,
  sections: Sections,
  presets: Readonly<Record<string, ProviderSpec>>,
  told: boolean,
): Provider | undefined {
  const { providers, tell } = sections;
  const spec = (providers.entries.get(name) ?? presets[name]) as ProviderSpec | undefined;
  if (spec === undefined) return undefined;
  const siblings = Object.fromEntries(providers.entries) as Record<string, ProviderSpec>;
  try {
    const taken = grantTypesOf(name, spec, presets, siblings);
    if (taken !== undefined && !taken.includes(grant_type)) {
      tellRefused(credential, { provider: name, grant_type }, taken, sections);
      return undefined;
    }
    return resolveProvider(name, spec, presets, siblings, { asks: grant_type !== 'static' });
  } catch (error) {
    if (!(error instanceof CupbearerError)) throw error;
    if (told) return undefined;
    const own = providers.entries.has(name);
    tell(own ? ['providers', name] : ['credentials', credential, 'provider'], error.message, { atKey: own });
    return undefined;
  }
}

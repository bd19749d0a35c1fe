import { CupbearerError } from '../errors.ts';
import type { GrantType } from '../provider/grant-type.ts';
import type { ProviderSpec } from '../provider/provider.ts';
import { grantTypesOf } from '../provider/resolve.ts';
import { shortGrant } from './grant-rules.ts';
import type { CredentialConfig } from './schema.ts';
import type { Sections, WrittenSections } from './sections.ts';

type Presets = Readonly<Record<string, ProviderSpec>>;

/** Gives every credential that says no grant_type the first of its provider's, else client_credentials. */
export function settleGrants(written: WrittenSections, presets: Presets): Sections {
  const { names, entries } = written.credentials;
  const settled = [...entries].map(([name, credential]): [string, CredentialConfig] => {
    const { provider, grant_type = usualGrant(provider, written, presets) } = credential;
    return [name, { ...credential, grant_type }];
  });
  return { ...written, credentials: { names, entries: new Map(settled) } };
}

function usualGrant(provider: string, { providers }: WrittenSections, presets: Presets): GrantType {
  const siblings = Object.fromEntries(providers.entries) as Record<string, ProviderSpec>;
  const preset = Object.hasOwn(presets, provider) ? presets[provider] : undefined;
  const spec = (providers.entries.get(provider) as ProviderSpec | undefined) ?? preset;
  try {
    const taken = spec && grantTypesOf(provider, spec, presets, siblings);
    return taken?.[0] ?? 'client_credentials';
  } catch (error) {
    // An `extends` that leads nowhere is told by itself.
    if (error instanceof CupbearerError) return 'client_credentials';
    throw error;
  }
}

/** Tells of a grant that is none of those its provider takes. */
export function tellRefused(
  credential: string,
  { provider, grant_type }: Pick<CredentialConfig, 'provider' | 'grant_type'>,
  taken: readonly GrantType[],
  { tell }: Sections,
): void {
  const allow = `providers: { ${provider}: { grant_types: [${[...taken, grant_type].join(', ')}] } }`;
  tell(
    ['credentials', credential, 'grant_type'],
    `provider ${provider} does not take grant_type ${shortGrant(grant_type)}; write ${taken.join(' or ')}, or allow it: ${allow}`,
  );
}

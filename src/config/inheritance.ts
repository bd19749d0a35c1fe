import type { ProviderSpec } from '../provider/provider.ts';
import { providerExists } from './references.ts';
import type { Sections } from './sections.ts';
import { suggestion } from './suggest.ts';

type Presets = Readonly<Record<string, ProviderSpec>>;

/** The entries of `providers:` a credential's provider is made of, nearest first; undefined when one is not usable. */
export function providerChain(
  credential: string,
  provider: string,
  sections: Sections,
  presets: Presets,
): string[] | undefined {
  const { providers } = sections;
  if (!providerExists(credential, provider, sections, presets)) return undefined;
  const chain: string[] = [];
  const seen = new Set<string>();
  let next: string | undefined = provider;
  while (next !== undefined && !seen.has(next)) {
    seen.add(next);
    const name: string = next;
    const preset: ProviderSpec | undefined = Object.hasOwn(presets, name) ? presets[name] : undefined;
    if (providers.names.has(name)) {
      const spec = providers.entries.get(name);
      if (spec === undefined) return undefined;
      chain.push(name);
      // An entry that extends nothing, or its own name, extends the preset of that name.
      next = spec.extends === undefined || spec.extends === name ? preset?.extends : spec.extends;
    } else {
      next = preset?.extends;
    }
  }
  return chain;
}

/** Tells every `extends` that leads nowhere or back, used or not, and gives the names of those entries. */
export function checkExtends(sections: Sections, presets: Presets): Set<string> {
  const faulty = new Set<string>();
  const { providers, tell, quote } = sections;
  for (const [name, spec] of providers.entries) {
    const path = ['providers', name, 'extends'];
    const wanted = spec.extends;
    if (wanted === undefined) continue;
    const known = [...providers.names, ...Object.keys(presets)].filter((other) => other !== name);
    const say = (message: string): void => {
      faulty.add(name);
      tell(path, message);
    };
    if (wanted === name) {
      if (!Object.hasOwn(presets, name)) say('the provider extends itself');
      continue;
    }
    if (!known.includes(wanted)) {
      say(`unknown provider ${quote(path, wanted)}${suggestion(wanted, known)}`);
      continue;
    }
    const seen = [name];
    let next: string | undefined = wanted;
    while (next !== undefined && !seen.includes(next)) {
      seen.push(next);
      next = providers.entries.get(next)?.extends;
    }
    if (next === name) say(`the provider extends itself: ${[...seen, name].join(' → ')}`);
  }
  return faulty;
}

import type { ProviderSpec } from '../provider/provider.ts';
import { isErrorCode } from '../provider/refusal.ts';
import { requestKinds } from './endpoints.ts';
import { expressionFault, fieldNameFault, fieldValueFault, templateFault } from './field-rules.ts';
import type { Path } from './problems.ts';
import type { Sections } from './sections.ts';
import { suggestion } from './suggest.ts';

const goodKeyLength = 16;

/** Tells what is wrong with each caller: unknown routes, keys that no field carries, are short or that two callers share. */
export function checkCallers({ callers, routes, tell, quote }: Sections): void {
  const owners = new Map<string, string>();
  for (const [name, caller] of callers.entries) {
    for (const [index, prefix] of (caller.routes ?? []).entries()) {
      if (routes.names.has(prefix)) continue;
      const path = ['callers', name, 'routes', index];
      tell(path, `unknown route ${quote(path, prefix)}${suggestion(prefix, routes.names)}`);
    }
    for (const [index, secret] of [caller.key].flat().entries()) {
      const text = secret.reveal();
      const { length } = text;
      const path = ['callers', name, 'key', ...(Array.isArray(caller.key) ? [index] : [])];
      // RFC 9110 §5.5.
      if (/^\s|\s$|\p{Cc}/u.test(text)) {
        const why = 'begins or ends with white space or has a control character';
        tell(path, `the key of caller ${name} ${why}, which X-Api-Key cannot carry; remove it`);
      }
      if (length < goodKeyLength) {
        const message = `a caller key of ${length} characters can be guessed; use at least ${goodKeyLength}, chosen at random`;
        tell(path, message, { level: 'warning' });
      }
      const owner = owners.get(text);
      if (owner !== undefined && owner !== name) {
        tell(['callers', name, 'key'], `callers ${owner} and ${name} have the same key; give each its own`);
      }
      owners.set(text, name);
    }
  }
}

/** Tells what is wrong with each entry of `providers:` by itself: expressions, templates, fields. Gives their names. */
export function checkProviderEntries(sections: Sections): Set<string> {
  const faulty = new Set<string>();
  for (const [name, spec] of sections.providers.entries as ReadonlyMap<string, ProviderSpec>) {
    const { attach, refused, response } = spec;
    const say = (keys: Path, fault: string | undefined, atKey = false): void => {
      if (fault === undefined) return;
      faulty.add(name);
      sections.tell(['providers', name, ...keys], fault, { atKey });
    };
    if (refused?.body !== undefined) say(['refused', 'body'], expressionFault(refused.body));
    for (const [index, { match, as }] of (response?.errors ?? []).entries()) {
      const path = ['response', 'errors', index];
      say([...path, 'match'], expressionFault(match));
      if (!isErrorCode(as))
        say([...path, 'as'], 'this is not an error code of RFC 6749 §5.2, such as invalid_grant');
    }
    if (attach?.header !== undefined) say(['attach', 'header'], fieldNameFault(attach.header));
    if (attach?.value !== undefined)
      say(['attach', 'value'], templateFault(attach.value) ?? fieldValueFault(attach.value));
    for (const [field, value] of Object.entries(attach?.headers ?? {})) {
      say(['attach', 'headers', field], fieldNameFault(field), true);
      say(['attach', 'headers', field], templateFault(value) ?? fieldValueFault(value));
    }
    for (const kind of requestKinds) {
      for (const [field, value] of Object.entries(spec[kind]?.headers ?? {})) {
        say([kind, 'headers', field], fieldNameFault(field), true);
        say([kind, 'headers', field], typeof value === 'string' ? fieldValueFault(value) : undefined);
      }
    }
  }
  return faulty;
}

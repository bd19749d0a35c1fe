import { CupbearerError } from '../errors.ts';
import type { Provider } from './provider.ts';
import { isFieldValue, render } from './template.ts';

/**
 * The header fields that carry a token upstream, flat: [name, value, name, value, …]; the one with the token first.
 * `fields` are those of the TokenAnswer. Throws `token-answer-invalid` when a placeholder has no value or one that may
 * not stand in a header field; the message names the placeholder only.
 */
export function renderAttach(
  provider: Provider,
  fields: Readonly<Record<string, string | undefined>>,
): string[] {
  const { header, value, headers } = provider.attach;
  const lookup = (name: string): string => {
    const text = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (text === undefined || text === '') throw invalid(`the token answer has no {${name}}`);
    if (!isFieldValue(text)) throw invalid(`{${name}} of the token answer may not stand in a header field`);
    return text;
  };
  const further = Object.entries(headers).filter(([name]) => name.toLowerCase() !== header.toLowerCase());
  return [[header, value] as const, ...further].flatMap(([name, template]) => {
    const text = render(template, lookup);
    if (!isFieldValue(text)) throw invalid(`attach: the value of ${name} may not stand in a header field`);
    return [name, text];
  });
}

function invalid(message: string): CupbearerError {
  return new CupbearerError('token-answer-invalid', message);
}

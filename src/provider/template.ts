const placeholder = /\{([A-Za-z_][A-Za-z0-9_.-]*)\}/g;
const lonePlaceholder = /^\{([A-Za-z_][A-Za-z0-9_.-]*)\}$/;

/**
 * `template` with every `{name}` replaced by `lookup(name)`, in one pass: a value that holds braces is not rendered
 * again. Braces around anything but a name stay as they are. Throws what `lookup` throws.
 */
export function render(template: string, lookup: (name: string) => string): string {
  return template.replace(placeholder, (_, name: string) => lookup(name));
}

/** The names in the text that `render` would look up. */
export function placeholdersIn(template: string): string[] {
  return [...template.matchAll(placeholder)].map(([, name = '']) => name);
}

/** The name when the whole text is one `{name}`. */
export function soleName(template: string): string | undefined {
  return lonePlaceholder.exec(template)?.[1];
}

/** Whether the text may stand in a header field: visible ASCII, space and tab (RFC 9110 §5.5, without obs-text). */
export function isFieldValue(text: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(text);
}

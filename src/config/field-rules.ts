/*
 * Request fields a configuration may not write: they frame the message or belong to one connection (RFC 9110 §7.6.1,
 * RFC 9112 §6), or are written by the proxy itself.
 */
const reserved = new Set(
  (
    'host content-length transfer-encoding connection proxy-connection keep-alive te trailer upgrade expect via ' +
    'http2-settings proxy-authenticate proxy-authorization proxy-authentication-info'
  ).split(' '),
);

/** One spelling for the names that some servers treat alike. */
export function canonicalField(name: string): string {
  return name.toLowerCase().replace(/[_.]/g, '-');
}

/** Why a field name may not be set, or undefined. */
export function fieldNameFault(name: string): string | undefined {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return 'this is not a field name (RFC 9110 §5.1)';
  if (reserved.has(canonicalField(name)))
    return `the field ${name} is written by the proxy itself; remove it`;
  return undefined;
}

/** Why a field value may not be sent, or undefined. */
export function fieldValueFault(value: string): string | undefined {
  if (/[\r\n]/.test(value)) return 'a field value is one line; remove the line break';
  return /^[\t\x20-\x7e]*$/.test(value)
    ? undefined
    : 'a field value is visible ASCII, spaces and tabs (RFC 9110 §5.5)';
}

/** Why a template such as `Bearer {access_token}` is malformed, or undefined. */
export function templateFault(template: string): string | undefined {
  if (!/[{}]/.test(template.replace(/\{[A-Za-z_][A-Za-z0-9_.-]*\}/g, ''))) return undefined;
  return 'a brace does not enclose a name of the token answer; write {access_token}';
}

/** Why a text is no regular expression, or undefined. */
export function expressionFault(source: string): string | undefined {
  try {
    new RegExp(source);
    return undefined;
  } catch {
    return 'this is not a regular expression (ECMAScript); check brackets and escapes';
  }
}

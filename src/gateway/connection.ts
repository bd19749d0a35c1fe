/**
 * `names` and the lower-case field names that a Connection value nominates (RFC 9110 §7.6.1). `keep-alive` and `close`
 * alone, which nearly every message says, nominate none.
 */
export function nominate(names: Set<string> | undefined, value: string): Set<string> | undefined {
  const lower = value.toLowerCase();
  if (lower === 'keep-alive' || lower === 'close') return names;
  const result = names ?? new Set<string>();
  for (const token of lower.split(',')) result.add(token.trim());
  return result;
}

const otherChallenges = /\b(?:insufficient_scope|use_dpop_nonce)\b/;

/**
 * Whether an answer with a refusing status really refuses the token. A challenge that asks for another scope
 * (RFC 6750 §3.1) or a DPoP nonce (RFC 9449 §9) does not: a new token would not help.
 */
export function isRefusal(raw: readonly string[]): boolean {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (name.length !== 16 || name.toLowerCase() !== 'www-authenticate') continue;
    if (otherChallenges.test(raw[i + 1] as string)) return false;
  }
  return true;
}

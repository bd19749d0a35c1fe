const otherChallenges = /\b(?:insufficient_scope|use_dpop_nonce)\b/;

/**
 * Whether an answer with a refusing status really refuses the token. A challenge that asks for another scope
 * (RFC 6750 §3.1) or a DPoP nonce (RFC 9449 §9) does not: a new token would not help.
 */
export function isRefusal(raw: readonly (Buffer | string)[]): boolean {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as Buffer | string;
    if (name.length !== 16 || name.toString().toLowerCase() !== 'www-authenticate') continue;
    if (otherChallenges.test(String(raw[i + 1]))) return false;
  }
  return true;
}

import { createPrivateKey, type KeyObject } from 'node:crypto';

/** A private key that signs assertions. */
export interface SigningKey {
  readonly key: KeyObject;
  /** What a JWK says of itself (RFC 7517 §4.4, §4.5). */
  readonly alg: string | undefined;
  readonly kid: string | undefined;
}

/** The key in a text: PEM (PKCS #8, PKCS #1 or SEC 1, not encrypted) or a JWK; undefined when there is none. */
export function readSigningKey(text: string): SigningKey | undefined {
  try {
    if (!text.trimStart().startsWith('{')) {
      return { key: createPrivateKey(text), alg: undefined, kid: undefined };
    }
    const jwk = JSON.parse(text);
    const member = (name: string) => (typeof jwk[name] === 'string' ? jwk[name] : undefined);
    return { key: createPrivateKey({ key: jwk, format: 'jwk' }), alg: member('alg'), kid: member('kid') };
  } catch {
    return undefined;
  }
}

/** What a key can sign with, the usual algorithm first (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1). */
export function algorithmsOf(key: KeyObject): readonly string[] {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return modulusLength >= 2048 ? ['RS256', 'PS256'] : [];
    case 'ec':
      return namedCurve === 'prime256v1' ? ['ES256'] : namedCurve === 'secp384r1' ? ['ES384'] : [];
    case 'ed25519':
      return ['EdDSA'];
    default:
      return [];
  }
}

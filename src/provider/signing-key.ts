import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** A private key that signs assertions. */
export interface SigningKey {
  readonly key: KeyObject;
  /** What a JWK says of itself (RFC 7517 §4.4). */
  readonly alg: string | undefined;
  /** Likewise (RFC 7517 §4.5); `private_key_id` of a service account's key file. */
  readonly kid: string | undefined;
  /** Whose key it is, when its file says so: `client_email` of a service account's. */
  readonly issuer: string | undefined;
  /** SHA-256 of the key's certificate in base64url, when that stands beside it (RFC 7515 §4.1.8). */
  readonly thumbprint: string | undefined;
}

/**
 * The key in a text: PEM (PKCS #8, PKCS #1 or SEC 1, not encrypted), beside it its certificate if that is to be named; a
 * JWK; or the key file of a service account, JSON with `private_key`, `private_key_id` and `client_email`. undefined when
 * there is none.
 */
export function readSigningKey(text: string): SigningKey | undefined {
  try {
    if (!text.trimStart().startsWith('{')) return fromPem(text);
    const json = JSON.parse(text);
    const member = (name: string) => (typeof json[name] === 'string' ? json[name] : undefined);
    const pem = member('private_key');
    if (pem !== undefined) {
      return { ...fromPem(pem), kid: member('private_key_id'), issuer: member('client_email') };
    }
    const key = createPrivateKey({ key: json, format: 'jwk' });
    return { key, alg: member('alg'), kid: member('kid'), issuer: undefined, thumbprint: undefined };
  } catch {
    return undefined;
  }
}

const certificates = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function fromPem(text: string): SigningKey {
  const key = createPrivateKey(text);
  const beside = [...text.matchAll(certificates)].map(([pem]) => new X509Certificate(pem));
  const own = beside.find((one) => one.checkPrivateKey(key));
  const thumbprint = own && Buffer.from(own.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
  return { key, alg: undefined, kid: undefined, issuer: undefined, thumbprint };
}

/** Whether a text has certificates and none of them is that of its key. */
export function hasForeignCertificate(text: string): boolean {
  return text.includes('-----BEGIN CERTIFICATE-----') && readSigningKey(text)?.thumbprint === undefined;
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

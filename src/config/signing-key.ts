import type { KeyObject } from 'node:crypto';
import { algorithmsOf, hasForeignCertificate, readSigningKey } from '../provider/signing-key.ts';
import type { CredentialConfig } from './schema.ts';

type Algorithm = NonNullable<CredentialConfig['signing_alg']>;

/** Why a text is no private key that can sign, or why `alg` does not fit it; undefined when all is well. Quotes nothing. */
export function signingKeyFault(
  text: string,
  alg: Algorithm | undefined,
): { readonly at: 'private_key' | 'signing_alg'; readonly message: string } | undefined {
  const key = readSigningKey(text)?.key;
  if (key === undefined) {
    const message = 'this is no private key; write one in PEM that is not encrypted (PKCS #8), or a JWK';
    return { at: 'private_key', message };
  }
  if (hasForeignCertificate(text)) {
    const message = 'the certificate beside the private key is of another key; write its own, or none';
    return { at: 'private_key', message };
  }
  const fitting = algorithmsOf(key);
  if (fitting.length === 0) {
    const message = `a key of this kind (${kindOf(key)}) signs nothing here; use RSA of 2048 bits or more, P-256, P-384 or Ed25519`;
    return { at: 'private_key', message };
  }
  if (alg === undefined || fitting.includes(alg)) return undefined;
  return {
    at: 'signing_alg',
    message: `${alg} does not fit the private key (${kindOf(key)}); write ${fitting.join(' or ')}`,
  };
}

function kindOf(key: KeyObject): string {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  return [key.asymmetricKeyType, modulusLength ?? namedCurve].filter((part) => part !== undefined).join(' ');
}

import { randomUUID } from 'node:crypto';
import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import { answerTime } from '../provider/expiry.ts';
import { algorithmsOf, readSigningKey, type SigningKey } from '../provider/signing-key.ts';
import type { Clock } from './clock.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Signs the assertions of one credential (RFC 7523). */
export interface Signer {
  /**
   * A JWT with these claims but the null ones, good for one request within the next minute, signed with private_key, or
   * with a client secret (HMAC). A key file that says whose it is gives `iss` where the claims do not. Throws `configuration-invalid` when there is no key or the algorithm does not fit it.
   */
  sign(claims: Claims, secret?: string): Promise<string>;
  /**
   * A server that wrote its answer at `date` (a Date field) has refused an assertion. True when its clock and ours differ
   * enough to be the reason: from now on assertions go by its clock.
   */
  correct(date: string | undefined): boolean;
}

/** Some servers take no assertion that is good for longer, and none needs it to be. */
const lifetimeS = 60;
/** Some servers refuse what is from their future by a second: assertions begin a little before now. */
const toleratedMs = 5_000;

/** The key is read when it is used first, and again when its text has changed. */
export function createSigner(config: CredentialConfig, clock: Clock): Signer {
  let known: { readonly text: string; readonly key: SigningKey | undefined } | undefined;
  /** What the servers' clock is ahead of ours, ms. */
  let ahead = 0;

  function privateKey(): SigningKey {
    const text = config.private_key?.reveal();
    if (text === undefined) throw unsigned('private_key is missing');
    if (known?.text !== text) known = { text, key: readSigningKey(text) };
    if (known.key === undefined) throw unsigned('private_key is no private key in PEM or JWK');
    return known.key;
  }

  return {
    async sign(claims, secret) {
      const { key, alg, named, issuer } =
        secret === undefined ? keyed(config, privateKey()) : keyedByHash(config, secret);
      const said = Object.entries({ iss: issuer, ...claims }).filter(([, value]) => value !== null);
      const iat = Math.floor((clock.wall() + ahead - toleratedMs) / 1_000);
      // Only who signs needs it.
      const { SignJWT } = await import('jose');
      try {
        return await new SignJWT({
          ...Object.fromEntries(said),
          iat,
          exp: iat + lifetimeS,
          jti: randomUUID(),
        })
          .setProtectedHeader({ alg, typ: 'JWT', ...named })
          .sign(key);
      } catch {
        // The reason may quote the key.
        throw unsigned(`signing with ${alg} failed`);
      }
    },
    correct(date) {
      const now = clock.wall();
      const seen = answerTime(date, now + ahead) - now;
      if (Math.abs(seen - ahead) <= toleratedMs) return false;
      ahead = seen;
      return true;
    },
  };
}

function keyed({ signing_alg, private_key_id }: CredentialConfig, signingKey: SigningKey) {
  const { key, alg, thumbprint, issuer } = signingKey;
  const fitting = algorithmsOf(key);
  const wanted = signing_alg ?? fitting.find((one) => one === alg) ?? fitting[0] ?? '';
  if (!fitting.includes(wanted))
    throw unsigned(`private_key does not sign with ${wanted || 'any algorithm'}`);
  const kid = private_key_id ?? signingKey.kid;
  const named = {
    ...(kid === undefined ? {} : { kid }),
    ...(thumbprint === undefined ? {} : { 'x5t#S256': thumbprint }),
  };
  return { key, alg: wanted, named, issuer };
}

function keyedByHash({ signing_alg }: CredentialConfig, secret: string) {
  const alg = signing_alg?.startsWith('HS') ? signing_alg : 'HS256';
  return { key: new TextEncoder().encode(secret), alg, named: {}, issuer: undefined };
}

function unsigned(why: string): CupbearerError {
  return new CupbearerError('configuration-invalid', `no assertion could be signed: ${why}`);
}

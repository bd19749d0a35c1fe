import type { CredentialConfig } from '../config/schema.ts';
import { jwtBearer } from '../provider/grant-type.ts';
import type { ClientAuth } from '../provider/provider.ts';
import { type Claims, createSigner } from './assertion.ts';
import type { Clock } from './clock.ts';
import { latest, reread } from './secrets.ts';

/** What goes into one token request to say who we are. Holds secrets. */
export interface Client {
  readonly id: string | undefined;
  readonly secret?: string | undefined;
  /** A client assertion (RFC 7523 §2.2); one that we signed is good for one request. */
  readonly assertion?: string | undefined;
}

/** How one credential proves to its provider who it is. */
export interface ClientProof {
  /** The proofs for one request, which is sent again while there is another proof. */
  begin(): ProofRound;
}

export interface ProofRound {
  /**
   * `tokenUrl` gives whom assertions are for, unless `usual` (claims of the provider) or assertion_claims have another
   * `aud`: OpenID Connect Core §9 says so, and RFC 7523 §3 lets every server take it, whichever of its endpoints is asked.
   * Throws `configuration-invalid` when nothing can be signed.
   */
  prove(auth: ClientAuth, tokenUrl: () => string, usual: Claims): Promise<Client>;
  /** The provider refused the last proof, in an answer of that Date field: true when there is another to try. */
  next(date: string | undefined): boolean;
}

/**
 * Of several secrets the one that was not refused last goes first. When all are refused, they are read from their
 * sources again, once; none is tried twice in a round.
 */
export function createClientProof(config: CredentialConfig, clock: Clock): ClientProof {
  const signer = createSigner(config, clock);
  const secrets = () => [config.client_secret ?? []].flat().map((secret) => secret.reveal());
  let at = 0;

  async function signed(auth: ClientAuth, claims: () => Claims, secret: string | undefined) {
    if (auth === 'private_key_jwt') return signer.sign(claims());
    if (auth === 'client_secret_jwt' && secret !== undefined) return signer.sign(claims(), secret);
    return undefined;
  }

  return {
    begin() {
      const tried = new Set<string | undefined>();
      let used: ClientAuth = 'none';
      let mayCorrect = true;
      let mayReread = true;

      /** What `prove` goes by, from the one that is in use on. */
      function candidates(): (string | undefined)[] {
        if (used === 'tls_client_auth') return [];
        if (used === 'private_key_jwt') return [(config.client_assertion ?? config.private_key)?.reveal()];
        const all = secrets();
        return [...all.slice(at), ...all.slice(0, at)];
      }

      function advance(): boolean {
        const untried = candidates().find((text) => !tried.has(text));
        if (untried === undefined) return false;
        at = Math.max(secrets().indexOf(untried), 0);
        return true;
      }

      return {
        async prove(auth, tokenUrl, usual) {
          used = auth;
          const secret = secrets()[at];
          const ready = auth === 'private_key_jwt' ? latest(config.client_assertion) : undefined;
          tried.add(candidates()[0]);
          const claims = () => clientClaims(config, { aud: tokenUrl(), ...usual });
          const assertion = ready ?? (await signed(auth, claims, secret));
          return { id: config.client_id, secret, assertion };
        },
        next(date) {
          const signs = used === 'client_secret_jwt' || used === 'private_key_jwt';
          if (signs && mayCorrect && signer.correct(date)) {
            mayCorrect = false;
            return true;
          }
          if (advance()) return true;
          if (!mayReread) return false;
          mayReread = false;
          reread(config);
          return advance();
        },
      };
    },
  };
}

/** RFC 7523 §3: issuer and subject are the client. Claims of a grant are none of the client's but for `aud`. */
function clientClaims(
  { client_id, grant_type, assertion_claims = {} }: CredentialConfig,
  usual: Claims,
): Claims {
  const forGrant = grant_type === jwtBearer;
  const given: Claims = forGrant ? { aud: assertion_claims.aud ?? usual.aud } : assertion_claims;
  return { iss: client_id, sub: client_id, ...usual, ...given };
}

import type { Clock } from './clock.ts';
import type { Credential } from './credential.ts';
import type { TokenEvents } from './events.ts';
import type { Parts } from './parts.ts';
import { type Revocation, revoke, revokeAccessToken } from './revocation.ts';

export interface HeldTokensInit {
  readonly clock: Clock;
  readonly events: TokenEvents;
}

/** Revokes what instances of credentials hold, and tells of it. */
export interface HeldTokens {
  /** The tokens of one, with its session. Rejects as the store does. */
  revoke(instance: Credential, parts: Parts): Promise<Revocation>;
  /** Within 2 s the access tokens of those that ask for it on a stop; refresh tokens stay, their sessions go on. */
  revokeOnStop(instances: Iterable<Credential>, parts: Parts): Promise<void>;
}

const stopMs = 2_000;
const commandMs = 10_000;

export function createHeldTokens({ clock, events }: HeldTokensInit): HeldTokens {
  async function revokeBy(how: typeof revoke, instance: Credential, parts: Parts, signal: AbortSignal) {
    const { credential, tenant } = instance.view();
    let hash8: string | undefined;
    const outcome = await instance.revoke((token) => {
      hash8 = token?.hash.slice(0, 8);
      return how({
        provider: parts.provider(credential),
        endpoint: parts.endpoint(credential, tenant),
        accessToken: token?.reveal(),
        session: parts.session(credential, tenant),
        seed: parts.config(credential).refresh_token?.reveal(),
        clock,
        signal,
      });
    });
    return { outcome, event: { credential, tenant, hash8, ...outcome } };
  }

  return {
    async revoke(instance, parts) {
      const { outcome, event } = await revokeBy(revoke, instance, parts, AbortSignal.timeout(commandMs));
      events.revoked?.(event);
      return outcome;
    },
    async revokeOnStop(instances, parts) {
      const due = [...instances].filter((one) => parts.config(one.view().credential).revoke_on_shutdown);
      if (due.length === 0) return;
      const signal = AbortSignal.timeout(stopMs);
      await Promise.all(
        due.map(async (one) => {
          const { event } = await revokeBy(revokeAccessToken, one, parts, signal);
          if (event.hash8 !== undefined) events.revoked?.(event);
        }),
      );
    },
  };
}

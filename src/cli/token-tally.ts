import type { TokenCounts } from '../telemetry/token-counts.ts';
import type { TokenEvents } from '../token/events.ts';
import type { Revocation } from '../token/revocation.ts';

/** Counts what happens to tokens; tenants of a credential are counted as one. */
export function tokenTally(counts: TokenCounts): TokenEvents {
  return {
    landed({ credential, reason, outcome, kind, tookMs }) {
      counts.flights.add({ credential, reason, outcome }, tookMs);
      if (kind !== undefined) counts.failures.add({ credential, kind });
    },
    refused({ credential, action }) {
      counts.refused.add({ credential, action });
    },
    revoked(event) {
      counts.revocations.add({ credential: event.credential, outcome: outcomeOf(event) });
    },
    secretsChanged({ credential, names }) {
      for (const _ of names) counts.secrets.add({ credential, outcome: 'changed' });
    },
    secretKept({ credential }) {
      counts.secrets.add({ credential, outcome: 'kept' });
    },
  };
}

/** Tells each of those that are there, in this order. */
export function allOf(...listeners: readonly (TokenEvents | undefined)[]): TokenEvents {
  const names = new Set(listeners.flatMap((one) => Object.keys(one ?? {}))) as Set<keyof TokenEvents>;
  const told = [...names].map((name) => {
    const handlers = listeners.map((one) => one?.[name]) as (((event: unknown) => void) | undefined)[];
    const tell = (event: unknown) => {
      for (const handler of handlers) handler?.(event);
    };
    return [name, tell];
  });
  return Object.fromEntries(told);
}

function outcomeOf({ failure, unsupported, revoked }: Revocation): string {
  if (failure !== undefined) return 'failed';
  if (unsupported) return 'unsupported';
  return revoked > 0 ? 'revoked' : 'nothing';
}

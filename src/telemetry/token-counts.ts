import { createTally, type Tallied, type Tally } from './tally.ts';

/** What is counted of what happens to tokens. No label says which tenant, upstream or token it was. */
export interface TokenCounts {
  /** Token requests that are over, with how long each took. */
  readonly flights: Tally<'credential' | 'reason' | 'outcome'>;
  /** Those that failed, by the kind of failure. */
  readonly failures: Tally<'credential' | 'kind'>;
  /** Tokens that an upstream refused, by what was done about it. */
  readonly refused: Tally<'credential' | 'action'>;
  readonly revocations: Tally<'credential' | 'outcome'>;
  /** Secrets that were read again. */
  readonly secrets: Tally<'credential' | 'outcome'>;
}

/** `TokenCounts` at one moment. */
export type TokenTotals = {
  readonly [N in keyof TokenCounts]: TokenCounts[N] extends Tally<infer L> ? readonly Tallied<L>[] : never;
};

export function createTokenCounts(): TokenCounts {
  return {
    flights: createTally(['credential', 'reason', 'outcome']),
    failures: createTally(['credential', 'kind']),
    refused: createTally(['credential', 'action']),
    revocations: createTally(['credential', 'outcome']),
    secrets: createTally(['credential', 'outcome']),
  };
}

export function readTokenCounts(counts: TokenCounts): TokenTotals {
  return {
    flights: counts.flights.read(),
    failures: counts.failures.read(),
    refused: counts.refused.read(),
    revocations: counts.revocations.read(),
    secrets: counts.secrets.read(),
  };
}

import { byLabel, counted, counter, durations, gauge, type Metric, type Sample } from './metric.ts';
import type { TokenTotals } from './token-counts.ts';

/** A credential, or one tenant of it, at this moment. */
export interface InstanceFacts {
  readonly region: 'NONE' | 'FRESH' | 'SOFT' | 'HARD' | 'EXPIRED' | 'REJECTED';
  readonly refresh: 'IDLE' | 'IN_FLIGHT' | 'BACKOFF' | 'BLOCKED' | 'DRAINING';
  /** It has or can get a token, as far as is known. */
  readonly well: boolean;
  /** Milliseconds to the true expiry of its token; undefined without one. */
  readonly lifetimeLeftMs: number | undefined;
  /** Milliseconds until failures let a token request start; may be Infinity. */
  readonly retryInMs: number;
  /** Callers who wait for a token. */
  readonly waiters: number;
}

/** A configured credential: no label tells its tenants apart. */
export interface CredentialFacts {
  readonly credential: string;
  /** One, or one for each tenant that is known. */
  readonly instances: readonly InstanceFacts[];
  /** Only a login helps; undefined where no login is possible or the store does not tell. */
  readonly loginNeeded: boolean | undefined;
}

const regions = ['NONE', 'FRESH', 'SOFT', 'HARD', 'EXPIRED', 'REJECTED'] as const;
const states = ['IDLE', 'IN_FLIGHT', 'BACKOFF', 'BLOCKED', 'DRAINING'] as const;
const inForce: ReadonlySet<string> = new Set(['FRESH', 'SOFT', 'HARD']);

/** How credentials are, and what has happened to their tokens. */
export function credentialMetrics(credentials: readonly CredentialFacts[], totals: TokenTotals): Metric[] {
  const of = (read: (facts: CredentialFacts) => number | undefined) => forEach(credentials, read);
  return [
    gauge(
      'cupbearer_credential_well',
      '1: every known instance of the credential has or can get a token. 0: somebody has to look.',
      of(({ instances, loginNeeded }) => Number(loginNeeded !== true && instances.every(({ well }) => well))),
    ),
    gauge(
      'cupbearer_credential_login_needed',
      '1: only a login, or a new refresh token, helps. Absent for credentials with tenants or without sessions.',
      of(({ loginNeeded }) => (loginNeeded === undefined ? undefined : Number(loginNeeded))),
    ),
    gauge(
      'cupbearer_credential_tokens',
      'Instances of the credential (one, or one for each known tenant) by the state of their token.',
      inStates(credentials, regions, ({ region }) => region),
    ),
    gauge(
      'cupbearer_credential_renewals',
      'Instances of the credential by what their renewal does; blocked ones need somebody to change something.',
      inStates(credentials, states, ({ refresh }) => refresh),
    ),
    gauge(
      'cupbearer_credential_retry_seconds',
      'The longest time that failures let no token request of the credential start; 0: it may start now.',
      of(({ instances }) => Math.max(0, ...instances.map(({ retryInMs }) => retryInMs)) / 1_000),
    ),
    gauge(
      'cupbearer_token_lifetime_left_seconds',
      'Least time to the true expiry of a token in force. Absent while the credential has none.',
      of(leastLifetime),
    ),
    gauge(
      'cupbearer_token_waiters',
      'Requests that wait for a token now; with server.workers, worker processes that ask for them.',
      of(({ instances }) => instances.reduce((sum, { waiters }) => sum + waiters, 0)),
    ),
    counter(
      'cupbearer_token_flights_total',
      'Attempts to get a token that are over, by why they were started and what they brought.',
      counted(totals.flights),
    ),
    durations(
      'cupbearer_token_flight_duration_seconds',
      'How long attempts to get a token took, waiting for their turn left out.',
      totals.flights,
    ),
    counter(
      'cupbearer_token_failures_total',
      'Attempts to get a token that failed, by the kind of failure.',
      counted(totals.failures),
    ),
    counter(
      'cupbearer_token_rejections_total',
      'Current tokens that an upstream refused, by what was done: forced a renewal, joined one, or guarded against it.',
      counted(totals.refused),
    ),
    counter(
      'cupbearer_token_revocations_total',
      'Revocations of the tokens of a credential by outcome.',
      counted(totals.revocations),
    ),
    counter(
      'cupbearer_secret_reads_total',
      'Secrets of a credential that were read again: changed, or kept because they could not be read.',
      counted(totals.secrets),
    ),
  ];
}

function* forEach(
  credentials: readonly CredentialFacts[],
  read: (facts: CredentialFacts) => number | undefined,
): Generator<Sample> {
  for (const facts of credentials) {
    const value = read(facts);
    if (value !== undefined) yield { labels: { credential: facts.credential }, value };
  }
}

function* inStates<S extends string>(
  credentials: readonly CredentialFacts[],
  all: readonly S[],
  stateOf: (instance: InstanceFacts) => S,
): Generator<Sample> {
  for (const { credential, instances } of credentials) {
    const numbers = Object.fromEntries(all.map((state) => [state.toLowerCase(), 0]));
    for (const instance of instances) {
      const state = stateOf(instance).toLowerCase();
      numbers[state] = (numbers[state] ?? 0) + 1;
    }
    yield* byLabel('state', numbers, { credential });
  }
}

/** Seconds. What has expired is no longer used: an idle tenant's token may. */
function leastLifetime({ instances }: CredentialFacts): number | undefined {
  const left = instances.flatMap(({ region, lifetimeLeftMs = 0 }) =>
    inForce.has(region) ? lifetimeLeftMs : [],
  );
  return left.length === 0 ? undefined : Math.min(...left) / 1_000;
}

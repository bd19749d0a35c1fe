import type { CredentialConfig } from '../config/schema.ts';
import { jwtBearer, tokenExchange } from '../provider/grant-type.ts';
import type { Provider } from '../provider/provider.ts';
import { createSigner } from './assertion.ts';
import type { Clock } from './clock.ts';
import { type Endpoint, inside } from './endpoint.ts';
import { type Failure, isPermanent } from './failure.ts';
import type { Grant, GrantOutcome, Wanted } from './grant.ts';
import type { GrantKind } from './grant-kinds.ts';
import type { Lender, Loan } from './lender.ts';
import { pause } from './pause.ts';
import { fingerprint } from './secrets.ts';

export interface DirectGrantInit {
  readonly config: CredentialConfig;
  readonly provider: Pick<Provider, 'assertion_claims'>;
  readonly kind: GrantKind;
  readonly clock: Clock;
  readonly endpoint: Endpoint;
  /** Gives the token of the credential that `using` names. */
  readonly lender: Lender | undefined;
  /** A refused login counts towards locking an account. */
  readonly mayLock: boolean;
}

const lockedMs = 900_000;

/** Tokens that are asked for afresh each time: nothing but the configuration is needed for the next one. */
export function createDirectGrant(init: DirectGrantInit): Grant {
  const { config, provider, kind, clock, endpoint, lender, mayLock } = init;
  const isExchange = config.grant_type === tokenExchange;
  const signer = createSigner(config, clock);
  const sign = async () =>
    signer.sign({ aud: endpoint.tokenUrl(), ...provider.assertion_claims, ...config.assertion_claims });
  const isSigned = config.grant_type === jwtBearer && config.assertion === undefined;
  let wasRefused = false;

  async function attempt(signal: AbortSignal): Promise<GrantOutcome> {
    const outcome = await withLoan(signal).catch((error: unknown) => ({ failure: inside(error) }));
    wasRefused = 'failure' in outcome && (outcome.failure.mayLock === true || wasRefused);
    return 'granted' in outcome ? outcome : { ...outcome, secrets: fingerprint(config) };
  }

  async function withLoan(signal: AbortSignal): Promise<GrantOutcome> {
    const loan = await lender?.borrow(signal);
    if (loan === undefined) return corrected(signal);
    if ('kind' in loan) return { failure: loan };
    const { outcome } = await ask(signal, loan);
    if ('granted' in outcome || !refusesLoan(outcome.failure, isExchange)) return outcome;
    const next = await lender?.exchange(loan, signal);
    const last = next === undefined ? outcome : (await ask(signal, next)).outcome;
    if ('granted' in last || !refusesLoan(last.failure, isExchange)) return last;
    return { failure: { ...last.failure, kind: 'config', error: 'borrowed_token_refused' } };
  }

  /** An assertion that is refused while our clock is wrong is signed again by the provider's, once. */
  async function corrected(signal: AbortSignal): Promise<GrantOutcome> {
    const { outcome, date } = await ask(signal, undefined);
    const refusesGrant = 'failure' in outcome && outcome.failure.kind === 'invalid_grant';
    if (!refusesGrant || !isSigned || signal.aborted || !signer.correct(date)) return outcome;
    return (await ask(signal, undefined)).outcome;
  }

  async function ask(
    signal: AbortSignal,
    loan: Loan | undefined,
  ): Promise<{ outcome: GrantOutcome; date?: string | undefined }> {
    const plain = loan !== undefined && !isExchange;
    const params = plain
      ? { scope: config.scope }
      : await kind.params(config, { borrowed: loan?.value, sign });
    const secrets = loan === undefined ? [] : [loan.value];
    const answer = await endpoint.send(
      { kind: 'token', params, fields: plain ? loan.fields : undefined, secrets },
      signal,
    );
    if ('kind' in answer) return { outcome: { failure: answer } };
    const { date } = answer;
    const read = endpoint.read(answer, secrets);
    return { outcome: 'granted' in read || !mayLock ? read : { failure: asLogin(read.failure) }, date };
  }

  /** Further tries with what was refused lock the account; so may those that a limit keeps off after that. */
  function asLogin(failure: Failure): Failure {
    const { kind, retryAfterMs = lockedMs } = failure;
    if (kind === 'rate_limited') return wasRefused ? { ...failure, retryAfterMs } : failure;
    return isPermanent(kind) ? { ...failure, mayLock } : failure;
  }

  return {
    timeoutMs: kind.timeoutMs,
    irreplaceable: false,
    secrets: () => fingerprint(config),
    async request(signal: AbortSignal, { mayRepeat }: Wanted) {
      const first = await attempt(signal);
      if ('granted' in first || signal.aborted) return first;
      if (!mayRepeat || !kind.repeatable || !repeatable(first.failure)) return first;
      if (!(await pause(clock, 200 + 300 * clock.random(), signal))) return first;
      const second = await attempt(signal);
      return 'granted' in second ? { granted: { ...second.granted, attempts: 2 } } : second;
    },
  };
}

/** Nothing was sent, or a server said that it did nothing and did not say when to come back. */
function repeatable({ kind, status = 0, unsent, retryAfterMs }: Failure): boolean {
  if (kind !== 'transient' || retryAfterMs !== undefined) return false;
  return unsent === true || status === 502 || status === 503 || status === 504;
}

/** The provider did not take the other credential's token; where that is exchanged, 401 is about the client. */
function refusesLoan({ status, kind, error }: Failure, isExchange: boolean): boolean {
  // RFC 8693 §2.2.2.
  if (isExchange) return kind === 'invalid_grant' || error === 'invalid_request';
  return status === 401 || kind === 'invalid_grant';
}

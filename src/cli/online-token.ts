import { spoken } from '../admin/state-words.ts';
import type { CredentialConfig } from '../config/schema.ts';
import { adviceByKind } from '../provider/advice.ts';
import { jwtBearer } from '../provider/grant-type.ts';
import type { Provider } from '../provider/provider.ts';
import { systemClock } from '../token/clock.ts';
import type { TokenFetched } from '../token/events.ts';
import type { Failure } from '../token/failure.ts';
import { ageOf, isEndless } from '../token/region.ts';
import type { Token } from '../token/token.ts';
import type { CheckedCredential, Finding } from './online-result.ts';

const toleratedMs = 30_000;

/** What to say of a clock that a provider's is so much ahead of; undefined while both agree well enough. */
export function clockWarning(aheadMs: number): string | undefined {
  if (Math.abs(aheadMs) <= toleratedMs) return undefined;
  const by = spoken(Math.round(Math.abs(aheadMs) / 1_000));
  return `this machine's clock is ${by} ${aheadMs > 0 ? 'behind' : 'ahead of'} the provider's; one of them needs to be set`;
}

/** A token came: from where, for how long, and what is odd about it. `event` tells of the request that brought it. */
export function tokenFinding(
  credential: CredentialConfig,
  token: Token,
  event: TokenFetched | undefined,
  clock: string | undefined,
): Finding & Pick<CheckedCredential, 'token'> {
  if (credential.grant_type === 'static')
    return { result: 'ok', detail: 'a static key: nobody is asked for it', token: { from: 'configuration' } };
  const left = token.lifetimeMs - ageOf(token, systemClock.mono(), systemClock.wall());
  const expires_in = Math.max(0, Math.round(left / 1_000));
  const scope = event === undefined ? undefined : token.answer?.scope;
  const facts: CheckedCredential['token'] & object = {
    from: event === undefined ? 'store' : 'provider',
    ...(isEndless(token) ? {} : { expires_in }),
    ...(scope === undefined ? {} : { scope }),
  };
  const lasts = isEndless(token) ? '' : ` for ${spoken(expires_in)}`;
  const from = event === undefined ? ', out of the store: nobody was asked' : '';
  const warnings = [
    ...(event?.warnings ?? []).map((one) =>
      event?.lifetimeKnown === false ? one.replace(/is used$/, `(${spoken(expires_in)}) is used`) : one,
    ),
    ...narrowed(credential.scope, scope),
    ...(clock === undefined ? [] : [clock]),
  ];
  if (left <= 0) {
    return {
      result: 'failed',
      detail: 'the token had expired when it arrived',
      what_to_do: clock ?? "check the provider's response.expires",
      token: facts,
    };
  }
  return {
    result: warnings.length === 0 ? 'ok' : 'warning',
    detail: `a token${lasts}${from}`,
    ...(warnings.length === 0 ? {} : { warnings }),
    token: facts,
  };
}

/** RFC 6749 §3.3: an answer says what scope it gives when that is not what was asked for. */
function narrowed(wanted: string | undefined, given: string | undefined): string[] {
  if (wanted === undefined || given === undefined) return [];
  const has = new Set(given.split(/[\s,]+/));
  const missing = wanted.split(/\s+/).filter((one) => one !== '' && !has.has(one));
  return missing.length === 0
    ? []
    : [`the provider gives less than scope asks for: ${missing.join(' ')} is missing`];
}

/** No token came. `advice` is what to do about that in general. */
export function failureFinding(
  credential: CredentialConfig,
  provider: Provider | undefined,
  failure: Failure,
  clock: string | undefined,
  advice: string | undefined,
): Finding & Pick<CheckedCredential, 'error'> {
  const { kind, error, detail, status } = failure;
  const isSigned = signs(credential, provider) && clock !== undefined && kind.startsWith('invalid_');
  const [said, own] = taken(failure);
  const todo = isSigned
    ? `${clock}; assertions are good for a minute, so this is the likely cause`
    : (failure.advice ?? own ?? clientAdvice(kind, credential, provider) ?? advice);
  return {
    result: kind === 'reauthorization' ? 'login' : 'failed',
    detail:
      said.includes(error) || /^http_|^timeout$/.test(error) || failure.local ? said : `${error}: ${said}`,
    ...(todo === undefined ? {} : { what_to_do: todo }),
    ...(clock === undefined || isSigned ? {} : { warnings: [clock] }),
    error: { kind, error, detail, ...(status === undefined ? {} : { status }) },
  };
}

/** What a failure says, without what it says to do; and that, when it is not what its kind says anyway. */
function taken({ kind, detail, advice, status }: Failure): [said: string, advice: string | undefined] {
  // Another credential's words, whole.
  if (kind === 'lender') return [detail, undefined];
  if (status === undefined) {
    const [said = detail, ...rest] = detail.split('; ');
    return [said, rest.length === 0 ? undefined : rest.join('; ')];
  }
  const ends = [advice, ...Object.values(adviceByKind)].map((one) => `: ${one}`);
  const end = ends.find((one) => detail.endsWith(one));
  return [end === undefined ? detail : detail.slice(0, -end.length), undefined];
}

function signs({ grant_type }: CredentialConfig, provider: Provider | undefined): boolean {
  return grant_type === jwtBearer || provider?.token.client_auth.endsWith('_jwt') === true;
}

/** A client that is refused may be the right one, proved in the wrong way. */
function clientAdvice(
  kind: Failure['kind'],
  { client_assertion }: CredentialConfig,
  provider: Provider | undefined,
): string | undefined {
  if (kind !== 'invalid_client' || provider === undefined) return undefined;
  const { client_auth } = provider.token;
  const proof = {
    none: 'client_id',
    client_secret_basic: 'client_id and client_secret',
    client_secret_post: 'client_id and client_secret',
    client_secret_jwt: 'client_id and client_secret',
    private_key_jwt:
      client_assertion === undefined
        ? 'client_id, private_key and private_key_id'
        : 'client_id and client_assertion',
    tls_client_auth: 'client_id, tls.cert and tls.key',
  }[client_auth];
  return `check ${proof}, and that the provider takes client_auth ${client_auth}`;
}

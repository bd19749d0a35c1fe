import type { CredentialConfig } from '../config/schema.ts';
import { CupbearerError } from '../errors.ts';
import { renderAttach } from '../provider/attach.ts';
import { answerTime } from '../provider/expiry.ts';
import { lookupIn, withOwn } from '../provider/params.ts';
import type { Json, Provider } from '../provider/provider.ts';
import { buildTokenRequest, type RequestKind } from '../provider/request.ts';
import { readTokenAnswer } from '../provider/response.ts';
import { endpointUrl } from '../provider/url.ts';
import type { RawAnswer } from '../store/session.ts';
import { parseRetryAfter } from './backoff.ts';
import type { ClientProof, ProofRound } from './client-proof.ts';
import type { Clock } from './clock.ts';
import type { Failure } from './failure.ts';
import type { Granted } from './grant.ts';
import type { TokenHttp } from './http.ts';
import type { NoteSecret } from './live-secrets.ts';
import { revealed } from './secrets.ts';

/** One request to a token endpoint. */
export interface Ask {
  readonly kind: RequestKind;
  /** By their standard names; undefined and null ones are not sent. */
  readonly params: Readonly<Record<string, Json | null | undefined>>;
  readonly placeholders?: Readonly<Record<string, string | undefined>> | undefined;
  /** Further fields of the request, flat. */
  readonly fields?: readonly string[] | undefined;
  /** Texts besides the credential's own that nothing may show. */
  readonly secrets?: readonly string[] | undefined;
}

/** An answer as it came. Holds secrets. */
export interface Answered extends RawAnswer {
  readonly retryAfter: string | undefined;
  readonly location?: string | undefined;
  /** Before the request was sent, on the monotonic clock (ms). */
  readonly t0Mono: number;
  readonly attempts: number;
}

export type Read = { readonly granted: Granted } | { readonly failure: Failure };

/** One credential's way to its provider. */
export interface Endpoint {
  /**
   * Sends a request; the answer whatever its status, or why there is none. While the provider refuses the client and
   * there is another way to prove who we are, it is sent again. Never rejects.
   */
  send(ask: Ask, signal: AbortSignal): Promise<Answered | Failure>;
  /** What an answer says: a token, or why not. Never throws. */
  read(answer: Answered, secrets?: readonly string[]): Read;
  /** The absolute URL of the token request. Throws as `endpointUrl` does. */
  tokenUrl(): string;
}

export interface EndpointInit {
  readonly config: CredentialConfig;
  readonly provider: Provider;
  readonly tenant: string | undefined;
  readonly clock: Clock;
  readonly http: TokenHttp;
  readonly proof: ClientProof;
  readonly note: NoteSecret;
}

/** `invalid_grant` is told as it is; what it means depends on the grant. */
export function createEndpoint(init: EndpointInit): Endpoint {
  const { config, provider, tenant, clock, http, proof, note } = init;
  const tokenUrl = () => {
    const lookup = withOwn(config.params, lookupIn({ client_id: config.client_id, tenant }));
    return endpointUrl(provider, provider.token.url, lookup);
  };

  async function sendOnce(
    ask: Ask,
    round: ProofRound,
    signal: AbortSignal,
    attempts: number,
  ): Promise<Answered | Failure> {
    try {
      const auth = provider[ask.kind]?.client_auth ?? 'none';
      const client = await round.prove(auth, tokenUrl, provider.assertion_claims);
      if (client.assertion !== undefined) note(client.assertion);
      const message = buildTokenRequest({
        provider,
        kind: ask.kind,
        params: ask.params,
        credentialParams: ask.kind === 'revoke' || ask.kind === 'extend' ? {} : config.params,
        client,
        placeholders: { ...ask.placeholders, tenant },
        ...(ask.fields === undefined ? {} : { fields: ask.fields }),
      });
      const t0 = { t0Mono: clock.mono(), t0Wall: clock.wall() };
      const answer = await http.send(message, signal, config.tls);
      return 'kind' in answer ? answer : { ...answer, ...t0, attempts };
    } catch (error) {
      return inside(error);
    }
  }

  const read: Endpoint['read'] = (answer, secrets = []) => {
    const { t0Mono, t0Wall, attempts, retryAfter, ...response } = answer;
    for (const secret of secrets) note(secret);
    try {
      const told = readTokenAnswer({
        ...response,
        provider,
        contentType: response.contentType,
        // Lifetimes count from when the request was sent; so do absolute times of expiry.
        wallNow: t0Wall,
        secrets: [...revealed(config), ...secrets],
      });
      if (told.ok) {
        const { refresh_token, id_token } = told.fields;
        for (const secret of [told.accessToken, refresh_token, id_token])
          if (secret !== undefined) note(secret);
        const { accessToken: value, lifetimeMs, lifetimeKnown, renewAfterMs, warnings } = told;
        const fields = renderAttach(provider, told.fields);
        const times = { lifetimeMs, lifetimeKnown, renewAfterMs, t0Mono, t0Wall };
        return { granted: { value, fields, answer: told.fields, ...times, attempts, warnings } };
      }
      return {
        failure: {
          kind: told.kind,
          error: told.error ?? `http_${told.status}`,
          status: told.status,
          detail: told.detail,
          advice: told.advice,
          retryAfterMs: parseRetryAfter(retryAfter, answerTime(response.date, clock.wall())),
        },
      };
    } catch (error) {
      return { failure: inside(error) };
    }
  };

  return {
    read,
    tokenUrl,
    async send(ask, signal) {
      const { assertion } = ask.params;
      for (const secret of [assertion, ...(ask.secrets ?? [])]) if (typeof secret === 'string') note(secret);
      const round = proof.begin();
      for (let attempts = 1; ; attempts++) {
        const answer = await sendOnce(ask, round, signal, attempts);
        if ('kind' in answer || answer.status < 400 || signal.aborted) return answer;
        const told = read(answer, ask.secrets);
        // Where another token says who asks, a refusal is about that one.
        const refusesClient =
          'failure' in told && told.failure.kind === 'invalid_client' && ask.fields === undefined;
        if (!refusesClient || !round.next(answer.date)) return answer;
      }
    },
  };
}

/** What a stored answer says. Its times are those of the wall clock. */
export function readStored(endpoint: Endpoint, raw: RawAnswer): Read {
  return endpoint.read({ ...raw, t0Mono: 0, attempts: 0, retryAfter: undefined });
}

/** A flight must always end: what nobody expected counts as a failure that passes, and is logged as one. */
export function inside(error: unknown): Failure {
  if (!(error instanceof CupbearerError)) {
    return { kind: 'transient', error: 'internal', detail: 'an error inside Cupbearer', unsent: true };
  }
  const { code, message } = error;
  if (code === 'store-unavailable')
    return { kind: 'store', error: code, detail: message, retryAfterMs: error.retryAfterMs };
  if (code === 'store-unreadable') return { kind: 'store_unreadable', error: code, detail: message };
  return {
    kind: code === 'token-answer-invalid' ? 'bad_answer' : 'config',
    error: code,
    detail: message,
    unsent: true,
  };
}

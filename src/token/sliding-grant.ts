import { parseAnswer } from '../provider/answer.ts';
import { answerTime, readLifetime } from '../provider/expiry.ts';
import type { Provider } from '../provider/provider.ts';
import type { Endpoint } from './endpoint.ts';
import { type Failure, isPermanent } from './failure.ts';
import type { Grant, Granted, GrantOutcome, Wanted } from './grant.ts';

export interface SlidingGrantInit {
  readonly provider: Provider;
  readonly endpoint: Endpoint;
  /** Begins a session. */
  readonly login: Grant;
}

const extendAtMostMs = 600_000;

/**
 * A session that its use keeps alive: a login gives a token, which is prolonged as it is, from half its lifetime on and
 * every ten minutes at most. When the provider no longer knows it, the next login follows (Vbrick Rev, extend session).
 */
export class SlidingGrant implements Grant {
  readonly timeoutMs: number;
  readonly irreplaceable = false;
  readonly #init: SlidingGrantInit;
  #session: Granted | undefined;

  constructor(init: SlidingGrantInit) {
    this.#init = init;
    this.timeoutMs = init.login.timeoutMs;
  }

  secrets(): string {
    return this.#init.login.secrets();
  }

  async request(signal: AbortSignal, wanted: Wanted): Promise<GrantOutcome> {
    const session = this.#session;
    if (session !== undefined && (wanted.reason === 'soft' || wanted.reason === 'hard')) {
      const extended = await this.#extend(session, signal);
      if ('granted' in extended) return this.#keep(extended.granted);
      if (!isOver(extended.failure) || signal.aborted) return extended;
    }
    this.#session = undefined;
    const outcome = await this.#init.login.request(signal, wanted);
    return 'granted' in outcome ? this.#keep(outcome.granted) : outcome;
  }

  async #extend(session: Granted, signal: AbortSignal): Promise<GrantOutcome> {
    const { endpoint, provider } = this.#init;
    const answer = await endpoint.send(
      { kind: 'extend', params: {}, fields: session.fields, secrets: [session.value] },
      signal,
    );
    if ('kind' in answer) return { failure: answer };
    const isSuccess = answer.status >= 200 && answer.status <= 299;
    const body = isSuccess ? parseAnswer(answer.body || '{}') : undefined;
    if (body === undefined || body.error !== undefined) {
      const read = endpoint.read(answer, [session.value]);
      return 'failure' in read ? read : { failure: notExtended };
    }
    const told = readLifetime(body, provider.response, answerTime(answer.date, answer.t0Wall));
    // What cannot be read must neither end a session that was prolonged nor make it last for ever.
    const isRead = told.lifetimeKnown && told.lifetimeMs > 0;
    const { lifetimeMs, lifetimeKnown, warnings } = isRead ? told : { ...session, warnings: [notRead] };
    const { t0Mono, t0Wall, attempts } = answer;
    return { granted: { ...session, lifetimeMs, lifetimeKnown, warnings, t0Mono, t0Wall, attempts } };
  }

  #keep(granted: Granted): GrantOutcome {
    const renewAfterMs = Math.min(granted.lifetimeMs / 2, extendAtMostMs);
    this.#session = { ...granted, renewAfterMs, sliding: true };
    return { granted: this.#session };
  }
}

const notRead =
  'the answer gives no lifetime that can be read: the session is taken to last as long as before';

const notExtended: Failure = {
  kind: 'bad_answer',
  error: 'not_extended',
  detail: 'the answer to the extension of the session was not understood',
};

/** The provider no longer has the session, or this way to extend it: only a login helps. */
function isOver({ status, kind }: Failure): boolean {
  return status === 401 || status === 403 || status === 404 || isPermanent(kind);
}

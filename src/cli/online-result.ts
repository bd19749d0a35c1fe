import type { Failure } from '../token/failure.ts';

/**
 * `ok`; `warning`: it works, but something is to be looked at; `failed`; `login`: somebody has to log in first;
 * `skipped`: it was not tried.
 */
export type OnlineResult = 'ok' | 'warning' | 'failed' | 'login' | 'skipped';

/** What was found of one credential or upstream. Names are those of `check --online --json`: stable, members may be added. */
export interface Finding {
  readonly result: OnlineResult;
  /** One line in words. */
  readonly detail: string;
  readonly what_to_do?: string;
  readonly warnings?: readonly string[];
}

/** What was found of a credential, or of one tenant of it; what does not apply is absent. Nothing in it is secret. */
export interface CheckedCredential extends Finding {
  readonly credential: string;
  readonly tenant?: string;
  readonly provider: string;
  readonly grant_type: string;
  /** Without its query. */
  readonly token_url?: string;
  readonly token?: {
    /** `configuration`: a static key. */
    readonly from: 'provider' | 'store' | 'configuration';
    /** Seconds left. */
    readonly expires_in?: number;
    /** As the provider says. */
    readonly scope?: string;
  };
  readonly error?: Pick<Failure, 'kind' | 'error' | 'detail' | 'status'>;
  /** How long it took. */
  readonly ms?: number;
}

/** Whether a result makes the check fail. */
export function isBad({ result }: Finding): boolean {
  return result === 'failed' || result === 'login';
}

import type { Config } from '../config/config.ts';
import type { Subject } from '../token/events.ts';
import type { Failure } from '../token/failure.ts';

/** What an operator does about a token request that failed; undefined for what passes by itself. */
export function whatToDo(
  failure: Pick<Failure, 'kind' | 'advice' | 'status' | 'unsent'>,
  { credential, tenant }: Subject,
  { credentials, providers }: Pick<Config, 'credentials' | 'providers'>,
): string | undefined {
  if (failure.advice !== undefined) return failure.advice;
  switch (failure.kind) {
    case 'transient':
    case 'timeout':
      return failure.status === undefined
        ? "if it lasts, check the provider's token.url and the network"
        : 'if it lasts, ask the provider';
    case 'rate_limited':
      return 'if it lasts, find out who else uses the credential';
    case 'bad_answer':
      return "compare the provider's response section with its documentation";
    case 'config':
      return failure.unsent
        ? 'correct what the detail names, in the credential or its provider'
        : "check the credential and the provider's token section";
    case 'invalid_client':
      return 'check client_id and client_secret';
    case 'invalid_grant':
      return 'check grant_type and what it needs';
    case 'reauthorization': {
      const provider = providers[credential];
      const login = `cupbearer login ${credential}${tenant === undefined ? '' : ` --tenant ${shellWord(tenant)}`}`;
      const canLogIn = provider?.authorize?.url ?? provider?.device_authorization;
      return canLogIn ? login : 'put a new refresh_token into the configuration';
    }
    case 'store':
      return 'check store.url, and that the store runs';
    case 'store_unreadable':
      return 'check store.key and store.url; if the key is lost, delete the session and log in again';
    case 'lender':
      return `see credential ${credentials[credential]?.using}, whose token it uses`;
    case 'stopped':
      return undefined;
  }
}

/** A tenant may hold what a shell obeys. */
function shellWord(text: string): string {
  return /^[\w.:@/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

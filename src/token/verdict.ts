import type { Provider } from '../provider/provider.ts';
import { readRefreshToken } from '../provider/response.ts';
import type { Answered, Read } from './endpoint.ts';
import type { Failure } from './failure.ts';

/**
 * What became of a refresh token that was sent. `answered`: the provider took it and answered. `untouched`: it is as it
 * was. `dead`: the provider refuses it for good. `unanswered`: it may have been taken; only sending it again will tell.
 */
export type Verdict =
  | { readonly kind: 'answered'; readonly answer: Answered }
  | { readonly kind: 'untouched'; readonly failure: Failure }
  | { readonly kind: 'dead'; readonly failure: Failure }
  | { readonly kind: 'unanswered'; readonly failure: Failure };

/**
 * A connection that was never made and a refusal of the client say nothing of the refresh token (RFC 6749 §5.2: client
 * authentication comes first). A broken connection, 5xx and an answer without a token leave it open.
 */
export function meaningOf(
  answer: Answered | Failure,
  read: (answer: Answered) => Read,
  provider: Provider,
): Verdict {
  if ('kind' in answer) return { kind: answer.unsent ? 'untouched' : 'unanswered', failure: answer };
  const isSuccess = answer.status >= 200 && answer.status <= 299;
  if (isSuccess && readRefreshToken(provider, answer.body) !== undefined) return { kind: 'answered', answer };
  const told = read(answer);
  if ('granted' in told) return { kind: 'answered', answer };
  const { failure } = told;
  switch (failure.kind) {
    case 'invalid_grant':
      return { kind: 'dead', failure };
    case 'bad_answer':
      return { kind: 'unanswered', failure };
    case 'transient': {
      const open = answer.status >= 500 || failure.error === 'server_error';
      return { kind: open ? 'unanswered' : 'untouched', failure };
    }
    default:
      return { kind: 'untouched', failure };
  }
}

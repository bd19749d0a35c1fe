import type { Dispatcher } from 'undici';
import type { Token } from '../token/token.ts';
import type { Accepted } from './accept.ts';
import type { RequestBody } from './body.ts';
import { requestFields } from './fields.ts';
import type { Exchange } from './record.ts';

/** What undici is given to send: an accepted request with the token's fields. `via` is our pseudonym, `spanId` the upstream's parent. */
export function upstreamRequest(
  { head, route, path }: Accepted,
  record: Exchange,
  token: Token,
  body: RequestBody['first'],
  via: string,
  spanId: string,
): Dispatcher.DispatchOptions {
  // undici announces the length of what it is given whole.
  const isStream = body !== null && !(body instanceof Buffer);
  return {
    path,
    method: record.method as Dispatcher.HttpMethod,
    headers: requestFields(head, route.policy, token.fields, via, isStream, record, spanId),
    body,
    // No connection takes a second request before the first is answered, and undici need not look for one at each head.
    blocking: false,
    // The watch keeps both limits, for less than undici's timers cost.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
}

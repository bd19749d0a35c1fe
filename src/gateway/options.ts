import type { IncomingMessage, ServerResponse } from 'node:http';
import { CupbearerError } from '../errors.ts';
import { type Accepted, type AcceptOptions, accept } from './accept.ts';
import { endUpload } from './ending.ts';
import { singleField } from './fields.ts';
import { guard } from './guard.ts';
import { commonMethods } from './method.ts';
import type { Exchange } from './record.ts';

/**
 * As `accept`, for OPTIONS. Undefined when it asks about this proxy: `OPTIONS *` (RFC 9110 §9.3.7) or `Max-Forwards: 0`;
 * any other Max-Forwards goes on one smaller (§7.6.2). Throws CupbearerError.
 */
export function acceptOptions(
  record: Exchange,
  incoming: IncomingMessage,
  options: AcceptOptions,
): Accepted | undefined {
  if (incoming.url === '*') {
    record.caller = options.callers.identify(guard(incoming, options.policy), incoming.socket);
    return undefined;
  }
  const accepted = accept(record, incoming, options);
  const { head } = accepted;
  const left = singleField(head, 'max-forwards');
  if (left === undefined) return accepted;
  if (!/^\d{1,10}$/.test(left ?? ''))
    throw new CupbearerError('malformed-request', 'Max-Forwards is one number (RFC 9110 §7.6.2)');
  if (Number(left) === 0) return undefined;
  const raw = head.raw.with(head.names.indexOf('max-forwards') * 2 + 1, String(Number(left) - 1));
  return { ...accepted, head: { ...head, raw } };
}

/** The answer to OPTIONS for this proxy itself. */
export function answerOptions(record: Exchange, incoming: IncomingMessage, outgoing: ServerResponse): void {
  record.status = 204;
  const allow = commonMethods.join(', ');
  outgoing.writeHead(204, { allow, 'cache-control': 'no-store', 'x-request-id': record.id });
  outgoing.end(() => {
    if (!incoming.complete) endUpload(incoming);
  });
}

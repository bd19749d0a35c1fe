import type { Route } from '../config/config.ts';
import type { RequestHead } from './guard.ts';
import type { Exchange } from './record.ts';
import { writeTraceparent } from './trace-context.ts';
import { trimmed } from './trimmed.ts';

// RFC 9110 §7.6.1 and §10.1; Proxy-Connection is sent by old clients.
const hopByHop = [
  'connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings',
  'proxy-authenticate', 'proxy-authorization', 'proxy-authentication-info',
]; // biome-ignore format: one list
const forwarded = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-forwarded-uri',
  'x-forwarded-user',
  'x-real-ip',
];
const methodOverrides = ['x-http-method-override', 'x-http-method', 'x-method-override'];
// Host and Content-Length are written anew, Host by undici from the origin; Expect is answered by us (RFC 9110 §10.1.1).
const rewritten = ['host', 'content-length', 'expect', 'via', 'x-request-id', 'traceparent', 'tracestate'];

/** How one route changes request fields: everything that does not depend on the request, worked out once. */
export interface FieldPolicy {
  /** Lower-case names, with `_` and `.` read as `-`, that never pass. */
  readonly drop: ReadonlySet<string>;
  /** Flat fields the route sets. */
  readonly set: readonly string[];
  /** Which of our ids are told the upstream. */
  readonly ids: Readonly<Record<'request' | 'trace' | 'state', boolean>>;
}

/**
 * The field policy of a route. `credentialFields` are the names that carry the token upstream, `controlFields` those
 * that only Cupbearer reads (caller keys, the tenant); neither ever passes from the caller.
 */
export function fieldPolicy(
  route: Route,
  credentialFields: readonly string[],
  controlFields: readonly string[],
): FieldPolicy {
  const set = Object.entries(route.headers.set).flat();
  const own = [
    ...credentialFields,
    ...controlFields,
    ...route.headers.remove,
    ...Object.keys(route.headers.set),
  ].map(canonical);
  const trace = !own.includes('traceparent');
  const ids = {
    request: !own.includes('x-request-id'),
    trace,
    state: trace && !own.includes('tracestate'),
  };
  const drop = new Set([
    ...own,
    ...[
      ...hopByHop,
      ...forwarded,
      ...rewritten,
      ...(route.methods === undefined ? [] : methodOverrides),
      ...(route.cookies ? [] : ['cookie']),
      'authorization',
    ].map(canonical),
  ]);
  return { drop, set, ids };
}

/** One spelling for names that some servers treat alike: CVE-2025-64484, CVE-2026-52845. */
function canonical(name: string): string {
  return trimmed(name.toLowerCase().replace(/[_.]/g, '-'), '-');
}

const alias = /[_.]/;

/**
 * The fields to send upstream besides Host, flat: the caller's in their order without what must not pass, then the route's,
 * then Via and the ids of the exchange, then the injected credential, always last (RFC 9110 §7.6.1, §7.6.3;
 * CVE-2021-33197). `spanId` is the upstream's parent in the trace.
 */
export function requestFields(
  head: RequestHead,
  policy: FieldPolicy,
  injected: readonly string[],
  via: string,
  sendContentLength: boolean,
  exchange: Pick<Exchange, 'id' | 'traceId' | 'traceFlags' | 'traceState'>,
  spanId: string,
): string[] {
  const { raw, names, nominated } = head;
  const fields: string[] = [];
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (policy.drop.has(name) || (alias.test(name) && policy.drop.has(canonical(name)))) continue;
    if (nominated?.has(name)) continue;
    fields.push(raw[i * 2] as string, raw[i * 2 + 1] as string);
  }
  if (sendContentLength && head.contentLength !== undefined)
    fields.push('content-length', String(head.contentLength));
  if (policy.set.length > 0) fields.push(...policy.set);
  fields.push('via', head.via.length === 0 ? `1.1 ${via}` : `${head.via.join(', ')}, 1.1 ${via}`);
  const { ids } = policy;
  if (ids.request) fields.push('x-request-id', exchange.id);
  if (ids.trace) fields.push('traceparent', writeTraceparent(exchange.traceId, spanId, exchange.traceFlags));
  if (ids.state && exchange.traceState !== undefined) fields.push('tracestate', exchange.traceState);
  for (let i = 0; i < injected.length; i++) fields.push(injected[i] as string);
  return fields;
}

/** The value of the one field `name` (lower case); undefined when absent, null when it occurs more than once. */
export function singleField(head: RequestHead, name: string): string | null | undefined {
  const at = head.names.indexOf(name);
  if (at === -1) return undefined;
  return head.names.indexOf(name, at + 1) === -1 ? (head.raw[at * 2 + 1] as string) : null;
}

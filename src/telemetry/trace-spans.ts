import { type Attributes, type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { SpanPlace, TracedAttempt, TracedExchange, TracedFlight } from './traced.ts';

/** What all spans have in common. */
export interface SpanMaker {
  readonly resource: Resource;
  readonly scope: { readonly name: string; readonly version: string };
  /** Adds to ms on the monotonic clock what makes them ms since 1970. */
  readonly wallOffset: () => number;
  /** Where callers connect. */
  readonly server: Attributes;
}

interface SpanFacts extends SpanPlace {
  readonly name: string;
  readonly kind: SpanKind;
  readonly start: number;
  readonly end: number;
  /** Undefined ones are left out. */
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly failed: boolean;
  readonly links?: readonly SpanPlace[];
}

const sampled = 1;

/** RFC 9110 §9 and RFC 5789; any other is `_OTHER` (OpenTelemetry's HTTP conventions). */
const methods = new Set('GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY'.split(' '));

/** The span of an exchange and one for each attempt. No path, no query, no field value of a caller is in them. */
export function exchangeSpans(exchange: TracedExchange, endedAt: number, maker: SpanMaker): ReadableSpan[] {
  const { traceId, spanId, parentId, method, route, status, error, aborted } = exchange;
  const known = methods.has(method) ? method : '_OTHER';
  const shown = known === '_OTHER' ? 'HTTP' : known;
  const failed = status >= 500 || status === 0 || aborted === 'upstream';
  const server: SpanFacts = {
    traceId,
    spanId,
    parent: parentId === undefined ? undefined : { spanId: parentId, isRemote: true },
    name: route === undefined ? shown : `${shown} ${route}`,
    kind: SpanKind.SERVER,
    start: exchange.startedAt,
    end: endedAt,
    failed,
    attributes: {
      'http.request.method': known,
      'http.response.status_code': status === 0 ? undefined : status,
      'http.route': route,
      ...maker.server,
      'error.type': error ?? (failed ? (aborted === undefined ? String(status) : 'aborted') : undefined),
      'cupbearer.credential': exchange.credential,
      'cupbearer.caller': exchange.caller,
      'cupbearer.token': exchange.token === 'none' ? undefined : exchange.token,
      'cupbearer.retry': exchange.retry === 'none' ? undefined : exchange.retry,
      'cupbearer.resent': exchange.resent || undefined,
      'cupbearer.aborted': aborted,
      'cupbearer.tunnel': exchange.tunnel,
    },
  };
  const attempts = exchange.sent?.all ?? [];
  const clients = attempts.map((attempt, i): SpanFacts => {
    const isLast = i === attempts.length - 1;
    return {
      traceId,
      spanId: attempt.spanId,
      parent: { spanId, isRemote: false },
      name: shown,
      kind: SpanKind.CLIENT,
      start: attempt.startedAt,
      // The last one's answer goes on to the caller until the end; a tunnel is no answer.
      end:
        isLast && exchange.tunnel === undefined && attempt.error === undefined
          ? endedAt
          : (attempt.endedAt ?? endedAt),
      failed: attempt.error !== undefined || attempt.status === 0 || attempt.status >= 400,
      attributes: attemptAttributes(attempt, known, i),
    };
  });
  return [server, ...clients].map((facts) => spanOf(facts, maker));
}

function attemptAttributes(attempt: TracedAttempt, method: string, before: number): SpanFacts['attributes'] {
  const { status, error } = attempt;
  const { protocol = '', hostname = '', port = '' } = URL.parse(attempt.origin) ?? {};
  return {
    'http.request.method': method,
    'http.response.status_code': status === 0 ? undefined : status,
    'http.request.resend_count': before === 0 ? undefined : before,
    'server.address': hostname.replace(/^\[|\]$/g, ''),
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
    'url.scheme': protocol.slice(0, -1),
    'error.type': error ?? (status === 0 ? 'aborted' : status >= 400 ? String(status) : undefined),
  };
}

/** The span of a token request that ended at `endedAt` (ms on the monotonic clock); `links` are those who waited too. */
export function flightSpan(
  flight: TracedFlight,
  endedAt: number,
  place: SpanPlace,
  links: readonly SpanPlace[],
  waiting: number,
  maker: SpanMaker,
): ReadableSpan {
  return spanOf(
    {
      ...place,
      name: `cupbearer.token ${flight.credential}`,
      kind: SpanKind.INTERNAL,
      start: endedAt - flight.tookMs,
      end: endedAt,
      failed: flight.outcome === 'failed',
      links,
      attributes: {
        'cupbearer.credential': flight.credential,
        'cupbearer.token.reason': flight.reason,
        'cupbearer.token.outcome': flight.outcome,
        'cupbearer.token.waiting': waiting,
        'error.type': flight.kind,
      },
    },
    maker,
  );
}

function spanOf(facts: SpanFacts, { resource, scope, wallOffset }: SpanMaker): ReadableSpan {
  const { traceId, spanId, parent } = facts;
  const offset = wallOffset();
  const contextOf = (id: string, isRemote: boolean) => ({
    traceId,
    spanId: id,
    traceFlags: sampled,
    isRemote,
  });
  const own = contextOf(spanId, false);
  return {
    name: facts.name,
    kind: facts.kind,
    spanContext: () => own,
    ...(parent && { parentSpanContext: contextOf(parent.spanId, parent.isRemote) }),
    startTime: time(facts.start + offset),
    endTime: time(facts.end + offset),
    duration: time(facts.end - facts.start),
    status: { code: facts.failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: Object.fromEntries(
      Object.entries(facts.attributes).filter(([, value]) => value !== undefined),
    ),
    links: (facts.links ?? []).map((one) => ({
      context: { traceId: one.traceId, spanId: one.spanId, traceFlags: sampled },
    })),
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
function time(ms: number): HrTime {
  const whole = Math.max(ms, 0);
  const seconds = Math.trunc(whole / 1_000);
  return [seconds, Math.trunc((whole - seconds * 1_000) * 1_000_000)];
}

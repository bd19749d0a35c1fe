import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { TraceSettings } from './trace-settings.ts';
import { exchangeSpans, flightSpan, type SpanMaker } from './trace-spans.ts';
import { TraceWaiting } from './trace-waiting.ts';
import type { SpanPlace, TracedExchange, TracedFlight } from './traced.ts';

/** Exports what has been recorded; none of it makes anybody wait, or throws. */
export interface TraceExport {
  /** An exchange waits for a token. */
  waiting(exchange: TracedExchange, tenant: string | undefined): void;
  /** An exchange is over. */
  exchange(exchange: TracedExchange): void;
  /** A token request is over. */
  flight(flight: TracedFlight): void;
  /** Sends what is left. Resolves when it is out, or after `ms`. Never rejects. */
  stop(ms: number): Promise<void>;
}

export interface TraceExportInit {
  readonly settings: TraceSettings;
  readonly version: string;
  /** Milliseconds on the monotonic clock, and since 1970. */
  readonly now: () => number;
  readonly wall: () => number;
  /** Where callers connect: `server.address`, `server.port`, `url.scheme`. */
  readonly server: SpanMaker['server'];
  /** Is told each time that spans could not be exported, with the error. */
  readonly failed: (error: unknown) => void;
}

const maxLinks = 128;

/** Throws when a file of the settings cannot be read. */
export function createTraceExport(init: TraceExportInit): TraceExport {
  const { settings, version, now, wall, server } = init;
  const exporter = telling(createExporter(settings), init.failed);
  const { delayMs, size, batch } = settings.queue;
  const processor = new BatchSpanProcessor({
    exporter,
    scheduledDelayMillis: delayMs,
    maxQueueSize: size,
    maxExportBatchSize: batch,
    exportTimeoutMillis: settings.timeoutMs,
  });
  const own = { 'service.name': 'cupbearer', 'service.version': version, 'process.pid': process.pid };
  const maker: SpanMaker = {
    resource: defaultResource().merge(resourceFromAttributes({ ...own, ...settings.resource })),
    scope: { name: 'cupbearer', version },
    wallOffset: steady(() => wall() - now()),
    server,
  };
  const waiting = new TraceWaiting();
  let stopping: Promise<void> | undefined;
  /** Under the first of those who wait, which most likely had it started; of nobody's, a trace of its own. */
  const placeOf = (first: TracedExchange | undefined): SpanPlace | undefined => {
    const spanId = randomBytes(8).toString('hex');
    if (first !== undefined)
      return { traceId: first.traceId, spanId, parent: { spanId: first.spanId, isRemote: false } };
    const traceId = randomBytes(16).toString('hex');
    return settings.sample(traceId, undefined) ? { traceId, spanId } : undefined;
  };
  return {
    waiting(exchange, tenant) {
      if (exchange.sent !== undefined && exchange.credential !== undefined)
        waiting.add(exchange, exchange.credential, tenant);
    },
    exchange(exchange) {
      if (exchange.sent === undefined) return;
      waiting.forget(exchange);
      for (const span of exchangeSpans(exchange, now(), maker)) processor.onEnd(span);
    },
    flight(flight) {
      const [first, ...others] = waiting.take(flight.credential, flight.tenant);
      const place = placeOf(first);
      if (place === undefined) return;
      const count = first === undefined ? 0 : others.length + 1;
      processor.onEnd(flightSpan(flight, now(), place, others.slice(0, maxLinks), count, maker));
    },
    stop(ms) {
      stopping ??= stop(ms);
      return stopping;
    },
  };

  async function stop(ms: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([processor.shutdown().catch(() => {}), late]);
    clearTimeout(timer);
  }
}

/** What differs by more than this has been set anew; less comes from a clock that counts whole ms. */
const jitterMs = 10;

/** The same as long as it hardly changes, so that the times of spans have their order. */
function steady(offset: () => number): () => number {
  let kept = offset();
  return () => {
    const fresh = offset();
    if (Math.abs(fresh - kept) > jitterMs) kept = fresh;
    return kept;
  };
}

/** Connections of its own: no proxy of the environment, no certificate of a credential. */
function createExporter({ url, headers, timeoutMs, gzip, tls }: TraceSettings): SpanExporter {
  const file = (name: string | undefined) => (name === undefined ? undefined : readFileSync(name));
  const pem = { ca: file(tls.ca), cert: file(tls.cert), key: file(tls.key) };
  const files = Object.fromEntries(Object.entries(pem).filter(([, bytes]) => bytes !== undefined));
  return new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    compression: (gzip ? 'gzip' : 'none') as NonNullable<
      NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>['compression']
    >,
    httpAgentOptions: { keepAlive: true, ...files },
  });
}

function telling(exporter: SpanExporter, failed: (error: unknown) => void): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) failed(result.error);
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

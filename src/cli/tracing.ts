import type { ServerConfig } from '../config/schema.ts';
import type { Exchange, SampleTrace } from '../gateway/record.ts';
import { codeOf, nameOf } from '../telemetry/error-facts.ts';
import type { Log } from '../telemetry/log.ts';
import type { TraceExport } from '../telemetry/trace-export.ts';
import type { Clock } from '../token/clock.ts';
import type { TokenEvents } from '../token/events.ts';
import { paced } from './paced.ts';
import { version } from './version.ts';

/** Traces that are recorded and exported; its functions may be called without it. */
export interface Tracing extends Pick<TraceExport, 'waiting'> {
  readonly sample: SampleTrace;
  /** An exchange is over. */
  readonly ended: (exchange: Exchange) => void;
  /** Records token requests. */
  readonly events: TokenEvents;
  /** Sends what is left, within 2 s. Never rejects. */
  readonly stop: () => Promise<void>;
}

export interface TracingInit {
  /** OpenTelemetry's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly server: Pick<ServerConfig, 'listen' | 'tls'>;
  readonly log: Log;
  readonly clock: Clock;
}

const flushMs = 2_000;
const failuresEveryMs = 60_000;

/** Starts to export traces when the environment names a collector; nothing is loaded for it otherwise. Never rejects. */
export async function startTracing({ env, server, log, clock }: TracingInit): Promise<Tracing | undefined> {
  if (!env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() && !env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim())
    return undefined;
  try {
    return await startExport({ env, server, log, clock });
  } catch (error) {
    log.error('traces cannot be exported', {
      error: codeOf(error) ?? nameOf(error),
      what_to_do: 'check the files that OTEL_EXPORTER_OTLP_CERTIFICATE and its like name, then start again',
    });
    return undefined;
  }
}

async function startExport({ env, server, log, clock }: TracingInit): Promise<Tracing | undefined> {
  const { readTraceSettings } = await import('../telemetry/trace-settings.ts');
  const warn = (warning: string) =>
    log.warn(warning, { what_to_do: 'correct the environment variable and start again' });
  const settings = readTraceSettings(env, warn);
  if (settings === undefined) return undefined;
  for (const warning of settings.warnings) warn(warning);
  const { createTraceExport } = await import('../telemetry/trace-export.ts');
  let last: unknown;
  const told = paced(
    clock,
    (failures) =>
      log.warn('traces could not be exported', {
        failures,
        error: codeOf(last) ?? nameOf(last),
        status: statusOf(last),
        what_to_do:
          'check that the collector at OTEL_EXPORTER_OTLP_ENDPOINT runs and takes OTLP over HTTP; requests are served all the same',
      }),
    failuresEveryMs,
  );
  const spans = createTraceExport({
    settings,
    version: version(),
    now: () => clock.mono(),
    wall: () => clock.wall(),
    server: addressOf(server),
    failed(error) {
      last = error;
      told();
    },
  });
  return {
    sample: settings.sample,
    waiting: spans.waiting,
    ended: spans.exchange,
    events: { landed: spans.flight },
    stop: () => spans.stop(flushMs),
  };
}

/** HTTP status of the collector's answer. */
function statusOf(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'number' ? code : undefined;
}

function addressOf({ listen, tls }: TracingInit['server']) {
  const scheme = { 'url.scheme': tls === undefined ? 'http' : 'https' };
  if (listen.kind === 'unix') return { ...scheme, 'server.address': listen.path };
  return { ...scheme, 'server.address': listen.host, ...(listen.port > 0 && { 'server.port': listen.port }) };
}

import { percentDecoded } from './percent-decoded.ts';
import { isInShare } from './trace-share.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where and how traces are exported, as OpenTelemetry's environment variables say. Holds secrets. */
export interface TraceSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of one export, with all its repetitions, ms. */
  readonly timeoutMs: number;
  readonly gzip: boolean;
  /** Names of PEM files. */
  readonly tls: Readonly<Record<'ca' | 'cert' | 'key', string | undefined>>;
  readonly resource: Readonly<Record<string, string>>;
  /** Whether a trace is recorded; `parent` says whether the caller records it, undefined when the trace starts here. */
  readonly sample: (traceId: string, parent: boolean | undefined) => boolean;
  readonly queue: { readonly delayMs: number; readonly size: number; readonly batch: number };
  /** Variables that could not be understood and are left out of account: what is wrong, what holds instead. */
  readonly warnings: readonly string[];
}

/** The settings; undefined when nothing is to be exported, `warnings` then being told by `tell`. */
export function readTraceSettings(
  env: Environment,
  tell: (warning: string) => void,
): TraceSettings | undefined {
  const given = (name: string) => env[name]?.trim() || undefined;
  const ofTraces = (name: string) =>
    given(`OTEL_EXPORTER_OTLP_TRACES_${name}`) ?? given(`OTEL_EXPORTER_OTLP_${name}`);
  if (given('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return undefined;
  const exporter = given('OTEL_TRACES_EXPORTER') ?? 'otlp';
  if (exporter === 'none') return undefined;
  const warnings: string[] = [];
  if (exporter !== 'otlp') warnings.push('OTEL_TRACES_EXPORTER is otlp or none; otlp is taken');
  const url = endpoint(given('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'), given('OTEL_EXPORTER_OTLP_ENDPOINT'));
  if (url === undefined) {
    tell('the endpoint of OTEL_EXPORTER_OTLP_… is not an http:// or https:// URL; no traces are exported');
    return undefined;
  }
  const protocol = ofTraces('PROTOCOL') ?? 'http/json';
  if (protocol !== 'http/json')
    warnings.push('traces are sent as http/json; give the endpoint of OTLP over HTTP, mostly port 4318');
  const compression = ofTraces('COMPRESSION') ?? 'none';
  if (compression !== 'gzip' && compression !== 'none')
    warnings.push('OTEL_EXPORTER_OTLP_COMPRESSION is gzip or none; none is taken');
  const count = (name: string, fallback: number) => {
    const text = given(name);
    if (text === undefined) return fallback;
    if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
    warnings.push(`${name} is a whole number above 0; ${fallback} is taken`);
    return fallback;
  };
  const size = count('OTEL_BSP_MAX_QUEUE_SIZE', 2_048);
  return {
    url,
    headers: {
      ...pairs(given('OTEL_EXPORTER_OTLP_HEADERS')),
      ...pairs(given('OTEL_EXPORTER_OTLP_TRACES_HEADERS')),
    },
    timeoutMs: count(
      given('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT')
        ? 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT'
        : 'OTEL_EXPORTER_OTLP_TIMEOUT',
      10_000,
    ),
    gzip: compression === 'gzip',
    tls: { ca: ofTraces('CERTIFICATE'), cert: ofTraces('CLIENT_CERTIFICATE'), key: ofTraces('CLIENT_KEY') },
    resource: {
      ...pairs(given('OTEL_RESOURCE_ATTRIBUTES')),
      ...(given('OTEL_SERVICE_NAME') && { 'service.name': env.OTEL_SERVICE_NAME as string }),
    },
    sample: sampler(given('OTEL_TRACES_SAMPLER'), given('OTEL_TRACES_SAMPLER_ARG'), warnings),
    queue: {
      delayMs: count('OTEL_BSP_SCHEDULE_DELAY', 5_000),
      size,
      batch: Math.min(size, count('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
    },
    warnings,
  };
}

/** The general endpoint has the path of the signal added, the one for traces is taken as it is. */
function endpoint(ofTraces: string | undefined, general: string | undefined): string | undefined {
  const url = URL.parse(ofTraces ?? `${general?.replace(/\/+$/, '')}/v1/traces`);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') ? url.href : undefined;
}

/** `name=value,…`, both percent-encoded (W3C Baggage); what is malformed is left out. */
function pairs(text: string | undefined): Record<string, string> {
  const found = (text ?? '').split(',').flatMap((pair) => {
    const [, name = '', value = ''] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    const [key, said] = [percentDecoded(name), percentDecoded(value)];
    return key ? [[key, said]] : [];
  });
  return Object.fromEntries(found);
}

function sampler(
  name = 'parentbased_always_on',
  arg: string | undefined,
  warnings: string[],
): TraceSettings['sample'] {
  const [, parentBased, root = ''] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  if (root === '') {
    const names = 'always_on, always_off, traceidratio or one of these behind parentbased_';
    warnings.push(`OTEL_TRACES_SAMPLER is ${names}; parentbased_always_on is taken`);
  }
  let share = root === 'always_off' ? 0 : 1;
  if (root === 'traceidratio' && arg !== undefined) {
    const ratio = Number(arg);
    if (ratio >= 0 && ratio <= 1) share = ratio;
    else warnings.push('OTEL_TRACES_SAMPLER_ARG is a number from 0 to 1; 1 is taken');
  }
  const ofRoot = (traceId: string) => isInShare(traceId, share);
  if (root !== '' && parentBased === undefined) return ofRoot;
  return (traceId, parent) => parent ?? ofRoot(traceId);
}

/** The version of the Elastic Common Schema whose names are used. */
const version = '8.17.0';

/** Our names in the schema; a name that is not here is one of ours there too. */
const known: Readonly<Record<string, string>> = {
  id: 'http.request.id',
  trace_id: 'trace.id',
  span_id: 'span.id',
  method: 'http.request.method',
  status: 'http.response.status_code',
  ms: 'event.duration',
  error: 'error.code',
  detail: 'error.message',
};

/** The name of a field in the Elastic Common Schema; `cupbearer.…` where that has none. */
export function ecsNames(name: string): string {
  return known[name] ?? `cupbearer.${name}`;
}

/** What every line begins with, in the order that the schema's logging wants. `time` is ISO 8601. */
export function ecsHead(level: string, time: string, message: string, service: string) {
  return {
    '@timestamp': time,
    'log.level': level,
    message,
    'ecs.version': version,
    'service.name': service,
  };
}

const nanosecondsPerMs = 1_000_000;

/** Milliseconds as the schema writes durations. */
export function inNanoseconds(ms: number): number {
  return Math.round(ms * nanosecondsPerMs);
}

/** A line that is not of an exchange, as JSON without its newline. */
export function ecsLine(
  head: ReturnType<typeof ecsHead>,
  fields: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const named = Object.entries(fields).map(([name, value]) => [
    ecsNames(name),
    name === 'ms' && typeof value === 'number' ? inNanoseconds(value) : value,
  ]);
  return JSON.stringify({ ...head, 'event.dataset': 'cupbearer.log', ...Object.fromEntries(named) });
}

import { percentDecoded } from '../telemetry/percent-decoded.ts';
import type { Scrubber } from '../telemetry/scrubber.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const signals = ['', 'TRACES_', 'METRICS_', 'LOGS_'];
const headers = signals.map((signal) => `OTEL_EXPORTER_OTLP_${signal}HEADERS`);
const endpoints = signals.map((signal) => `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`);

/**
 * Takes the variables that authenticate us at a collector of traces out of the environment of the process, and has the
 * scrubber know what is in them. `env` keeps them.
 */
export function hideTraceSecrets(env: Environment, scrubber: Pick<Scrubber, 'add'>): void {
  for (const name of headers) {
    const text = env[name];
    if (!text) continue;
    delete process.env[name];
    for (const secret of secretsIn(text)) scrubber.add(secret);
  }
  for (const name of endpoints) {
    const { username = '', password = '' } = URL.parse(env[name] ?? '') ?? {};
    if (username + password === '') continue;
    delete process.env[name];
    for (const secret of [username, password, percentDecoded(password)]) scrubber.add(secret);
  }
}

/** The whole, each value, and what stands behind `Bearer` and `Basic`. */
function secretsIn(text: string): string[] {
  const values = text.split(',').map((pair) => pair.slice(pair.indexOf('=') + 1).trim());
  return [...values, ...values.map(percentDecoded)].flatMap((value) => {
    const [, scheme = '', rest = ''] = /^(\w+) +(.+)$/.exec(value) ?? [];
    const pair = scheme.toLowerCase() === 'basic' ? Buffer.from(rest, 'base64').toString() : '';
    return [value, rest, pair.slice(pair.indexOf(':') + 1)];
  });
}

import type { Metric as PromMetric, RegistryContentType } from 'prom-client';
// The package as a whole loads an event loop monitor, a cluster aggregator and a quantile sketch: 12 MB more.
import Registry from 'prom-client/lib/registry.js';
import type { Metric, Sample } from './metric.ts';

/** What a scrape is answered. */
export interface MetricsText {
  readonly contentType: string;
  /** In pieces of some hundred KiB at most; other work gets its turn between them. */
  readonly body: AsyncIterable<string>;
}

/** Samples in a piece: they take about 2 ms. */
const pieceSamples = 2_000;

/**
 * Metrics in the text format that an Accept field asks for: Prometheus' 0.0.4, or OpenMetrics 1.0.0 when that is preferred
 * (RFC 9110 §12.5.1). Nothing is copied before its turn.
 */
export function metricsText(metrics: readonly Metric[], accept: string | undefined): MetricsText {
  const contentType = prefersOpenMetrics(accept)
    ? Registry.OPENMETRICS_CONTENT_TYPE
    : Registry.PROMETHEUS_CONTENT_TYPE;
  return { contentType, body: pieces(metrics, contentType) };
}

async function* pieces(metrics: readonly Metric[], contentType: RegistryContentType): AsyncGenerator<string> {
  const isOpen = contentType === Registry.OPENMETRICS_CONTENT_TYPE;
  let sincePause = 0;
  for (const metric of metrics) {
    let isFirst = true;
    for (const values of inPieces(metric.samples)) {
      const text = await written(metric, values, contentType);
      yield `${isFirst ? text : withoutHead(text)}\n`;
      isFirst = false;
      sincePause += values.length;
      if (sincePause < pieceSamples) continue;
      sincePause = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  if (isOpen) yield '# EOF\n';
}

/** One at least, so that a metric without samples is told of too. */
function* inPieces(samples: Iterable<Sample>): Generator<readonly Sample[]> {
  let piece: Sample[] = [];
  let isEmpty = true;
  for (const sample of samples) {
    piece.push(sample);
    if (piece.length < pieceSamples) continue;
    yield piece;
    isEmpty = false;
    piece = [];
  }
  if (isEmpty || piece.length > 0) yield piece;
}

/** Some samples of a metric below its HELP and TYPE lines; names, labels and values escaped as the format wants. */
function written(
  metric: Metric,
  values: readonly Sample[],
  contentType: RegistryContentType,
): Promise<string> {
  const { type, help } = metric;
  const isOpenCounter = contentType === Registry.OPENMETRICS_CONTENT_TYPE && type === 'counter';
  // The registry adds the suffix itself there.
  const name = isOpenCounter ? metric.name.replace(/_total$/, '') : metric.name;
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(contentType);
  const metricLike: unknown = { name, get: async () => ({ name, help, type, values }) };
  registry.registerMetric(metricLike as PromMetric);
  return registry.getSingleMetricAsString(name);
}

function withoutHead(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1);
}

function prefersOpenMetrics(accept = ''): boolean {
  const weights = new Map<string, number>();
  for (const one of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = one.split(';').map((part) => part.trim());
    if (
      parameters.some(
        (part) => part.startsWith('version=') && !/^version="?(?:1\.0\.0|0\.0\.4)"?$/.test(part),
      )
    )
      continue;
    const q = parameters.find((part) => part.startsWith('q='))?.slice(2);
    weights.set(type, Math.max(weights.get(type) ?? 0, q === undefined ? 1 : Number(q) || 0));
  }
  const open = weights.get('application/openmetrics-text') ?? 0;
  return open > 0 && open > (weights.get('text/plain') ?? 0);
}

/** A scrape, read as Prometheus reads it. */
export interface MetricText {
  /** By name: `counter`, `gauge` or `histogram`. */
  readonly types: ReadonlyMap<string, string>;
  readonly help: ReadonlyMap<string, string>;
  readonly samples: readonly MetricSample[];
  /** The value of the only sample of this name with at least these labels; undefined without one. Throws for several. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s;
const labelPair = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/gsy;

/** Reads the text format 0.0.4. Throws for a line that is none, a metric told of twice, and a sample that stands alone. */
export function parseMetrics(text: string): MetricText {
  const types = new Map<string, string>();
  const help = new Map<string, string>();
  const samples: MetricSample[] = [];
  let family = '';
  for (const line of text.split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/s.exec(line) ?? [];
    if (kind !== undefined) {
      const known = kind === 'HELP' ? help : types;
      if (known.has(name)) throw new Error(`${kind} of ${name} twice`);
      known.set(name, rest);
      family = name;
    } else if (line !== '') {
      const sample = sampleOf(line);
      if (sample.name.replace(/_(?:bucket|sum|count)$/, '') !== family && sample.name !== family)
        throw new Error(`${sample.name} stands below ${family}`);
      samples.push(sample);
    }
  }
  const has = (sample: MetricSample, labels: object) =>
    Object.entries(labels).every(([name, value]) => sample.labels[name] === value);
  return {
    types,
    help,
    samples,
    value(name, labels = {}) {
      const found = samples.filter((one) => one.name === name && has(one, labels));
      if (found.length > 1) throw new Error(`${found.length} samples of ${name} ${JSON.stringify(labels)}`);
      return found[0]?.value;
    },
  };
}

/** What an answer to a scrape consists of. */
export async function piecesOf(body: AsyncIterable<string>): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of body) pieces.push(piece);
  return pieces;
}

/** The names of the series of a scrape, sorted. */
export function seriesOf({ samples }: MetricText): string[] {
  return samples.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`).sort();
}

function sampleOf(line: string): MetricSample {
  const [, name, inner = '', value = ''] = sampleLine.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${JSON.stringify(line)}`);
  const labels: Record<string, string> = {};
  let end = 0;
  for (const [whole, label = '', text = ''] of inner.matchAll(labelPair)) {
    end += whole.length;
    labels[label] = text.replace(/\\(.)/gs, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
  }
  if (end !== inner.length) throw new Error(`no labels: ${inner}`);
  return { name, labels, value: value === '+Inf' ? Infinity : Number(value) };
}

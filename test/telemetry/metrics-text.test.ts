import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { counter, durations, gauge, type Metric } from '../../src/telemetry/metric.ts';
import { metricsText } from '../../src/telemetry/metrics-text.ts';
import { createTally } from '../../src/telemetry/tally.ts';
import { parseMetrics, piecesOf } from '../support/metric-text.ts';

async function written(metrics: readonly Metric[], accept?: string): Promise<string> {
  return (await piecesOf(metricsText(metrics, accept).body)).join('');
}

const hits = counter('hits_total', 'Hits.', [{ labels: { place: 'here' }, value: 3 }]);

describe('the text of a scrape', () => {
  it('has HELP, TYPE and samples of each metric', async () => {
    expect(await written([hits, gauge('size_bytes', 'Size.', 1.5)])).toBe(
      [
        '# HELP hits_total Hits.',
        '# TYPE hits_total counter',
        'hits_total{place="here"} 3',
        '# HELP size_bytes Size.',
        '# TYPE size_bytes gauge',
        'size_bytes 1.5',
        '',
      ].join('\n'),
    );
  });

  it('is OpenMetrics for who prefers that, as a Prometheus does', async () => {
    const accept =
      'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    expect(metricsText([hits], accept).contentType).toMatch(
      /^application\/openmetrics-text; version=1\.0\.0/,
    );
    expect(await written([hits], accept)).toBe(
      '# HELP hits Hits.\n# TYPE hits counter\nhits_total{place="here"} 3\n# EOF\n',
    );
  });

  it.each([
    undefined,
    '*/*',
    'text/html,application/xhtml+xml,*/*;q=0.8',
    'text/plain;version=0.0.4',
    'text/plain, application/openmetrics-text;version=1.0.0;q=0.5',
    'application/openmetrics-text;q=0',
    'application/openmetrics-text;version=0.0.1',
    ';;,=,q=x',
  ])('is Prometheus text 0.0.4 for Accept: %s', (accept) => {
    expect(metricsText([], accept).contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('gives durations in seconds, in buckets that include those below', async () => {
    const tally = createTally(['kind']);
    for (const ms of [0.2, 4, 4, 70_000]) tally.add({ kind: 'a' }, ms);
    tally.add({ kind: 'b' });
    const text = parseMetrics(await written([durations('took_seconds', 'Took.', tally.read())]));
    const of = (le: string) => text.value('took_seconds_bucket', { kind: 'a', le });
    expect([of('0.0005'), of('0.0025'), of('0.005'), of('60'), of('+Inf')]).toEqual([1, 1, 3, 3, 4]);
    expect(text.value('took_seconds_sum', { kind: 'a' })).toBe(70.0082);
    expect(text.value('took_seconds_count', { kind: 'a' })).toBe(4);
    expect(text.value('took_seconds_count', { kind: 'b' })).toBe(0);
  });

  it('escapes every label so that it is read back as it was', async () => {
    const label = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\\', '"', '\n', 'n', '{', '}', ',') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ own: label, shared: label })), async (pairs) => {
        const sent = pairs.map(({ own, shared }) => ({
          sharedLabels: { shared },
          labels: { own },
          value: 1,
        }));
        const { samples } = parseMetrics(await written([counter('x_total', 'X.', sent)]));
        expect(samples.map(({ labels }) => labels)).toEqual(pairs);
      }),
      { numRuns: 20 },
    );
  });

  it('comes in pieces, between which other work gets its turn, and tells HELP and TYPE once', async () => {
    const many = Array.from({ length: 10_001 }, (_, i) => ({ labels: { i: String(i) }, value: i }));
    let turns = 0;
    let isOver = false;
    const turn = () => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    const pieces = await piecesOf(metricsText([counter('x_total', 'X.', many)], undefined).body);
    isOver = true;
    expect(Math.max(...pieces.map((one) => one.length))).toBeLessThan(100_000);
    expect(turns).toBeGreaterThanOrEqual(5);
    expect(parseMetrics(pieces.join('')).samples.map(({ value }) => value)).toEqual(
      many.map(({ value }) => value),
    );
  });

  it('tells of a metric without samples', async () => {
    expect(parseMetrics(await written([counter('x_total', 'X.', [])])).types.get('x_total')).toBe('counter');
  });
});

import { describe, expect, it } from 'vitest';
import { readTraceSettings } from '../../src/telemetry/trace-settings.ts';

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

function read(env: Record<string, string>) {
  const told: string[] = [];
  const settings = readTraceSettings(env, (warning) => told.push(warning));
  return { settings, told: [...told, ...(settings?.warnings ?? [])] };
}

describe('the settings of traces', () => {
  it.each([
    ['http://collector:4318', undefined, 'http://collector:4318/v1/traces'],
    ['http://collector:4318/', undefined, 'http://collector:4318/v1/traces'],
    ['https://c.example/otlp', undefined, 'https://c.example/otlp/v1/traces'],
    ['http://other', 'https://c.example/own', 'https://c.example/own'],
  ])('find the endpoint: %s, %s', (general, own, url) => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: general,
      ...(own && { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own }),
    };
    expect(read(env).settings?.url).toBe(url);
  });

  it.each([{ OTEL_SDK_DISABLED: 'TRUE' }, { OTEL_TRACES_EXPORTER: 'none' }])('are none with %j', (more) => {
    expect(read({ ...endpoint, ...more })).toEqual({ settings: undefined, told: [] });
  });

  it.each(['collector:4318', 'grpc://c', 'nonsense', '/v1'])('say that %s is no endpoint', (url) => {
    const { settings, told } = read({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url });
    expect(settings).toBeUndefined();
    expect(told).toEqual([expect.stringContaining('no traces are exported')]);
  });

  it('have the defaults of the specification', () => {
    const { settings, told } = read(endpoint);
    expect(told).toEqual([]);
    expect(settings).toMatchObject({
      headers: {},
      timeoutMs: 10_000,
      gzip: false,
      resource: {},
      queue: { delayMs: 5_000, size: 2_048, batch: 512 },
    });
  });

  it('put what is of traces alone above what is of all signals', () => {
    const { settings } = read({
      ...endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1, b = 2%2C3,broken,=x',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=4',
      OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '700',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=x,team=y',
      OTEL_SERVICE_NAME: 'z',
      OTEL_BSP_MAX_QUEUE_SIZE: '100',
    });
    expect(settings).toMatchObject({
      headers: { a: '4', b: '2,3' },
      timeoutMs: 700,
      resource: { 'service.name': 'z', team: 'y' },
      queue: { size: 100, batch: 100 },
    });
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, /^OTEL_TRACES_SAMPLER is .* parentbased_always_on is taken$/],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, /^OTEL_TRACES_SAMPLER_ARG/],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /http\/json/],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' }, /^OTEL_EXPORTER_OTLP_COMPRESSION/],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' }, /^OTEL_EXPORTER_OTLP_TIMEOUT .* 10000 is taken$/],
    [{ OTEL_BSP_SCHEDULE_DELAY: '0' }, /^OTEL_BSP_SCHEDULE_DELAY/],
  ])('say what they cannot follow, and go on without: %j', (more, warning) => {
    const { settings, told } = read({ ...endpoint, ...more });
    expect(told).toEqual([expect.stringMatching(warning)]);
    expect(settings?.sample('f'.repeat(32), undefined)).toBe(true);
  });

  it.each<[string, string | undefined, (boolean | undefined)[]]>([
    ['parentbased_always_on', undefined, [true, true, false]],
    ['parentbased_always_off', undefined, [false, true, false]],
    ['parentbased_traceidratio', '0', [false, true, false]],
    ['always_on', undefined, [true, true, true]],
    ['always_off', undefined, [false, false, false]],
    ['traceidratio', undefined, [true, true, true]],
    ['traceidratio', '0.0', [false, false, false]],
  ])('sample by %s %s', (sampler, arg, expected) => {
    const env = { ...endpoint, OTEL_TRACES_SAMPLER: sampler, ...(arg && { OTEL_TRACES_SAMPLER_ARG: arg }) };
    const sample = read(env).settings?.sample;
    const id = `${'0'.repeat(31)}1`;
    expect([undefined, true, false].map((parent) => sample?.(id, parent))).toEqual(expected);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTracing, type Tracing } from '../../src/cli/tracing.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { type CollectedSpan, type Collector, startCollector } from '../support/collector.ts';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';
import { type Answer, ok, type RawUpstream, rawRequest, rawUpstream, values } from '../support/raw.ts';
import { configFile, serve } from '../support/serve.ts';

const refused = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n';
const soon = { timeout: 10_000, interval: 20 };
const [internal, server, client] = [1, 2, 3];

let collector: Collector;
let tokens: TokenServer;
let up: RawUpstream;
let answer: Answer;

beforeEach(async () => {
  answer = () => ok;
  collector = await startCollector();
  tokens = await tokenServer('token-');
  up = await rawUpstream((...call) => answer(...call));
});
afterEach(async () => {
  await Promise.all([collector.close(), tokens.close(), up.close()]);
});

const yaml = (more = '') => `
server: { listen: "127.0.0.1:0", admin: "off" ${more} }
providers: { acme: { token: { url: "${tokens.url}/token" } } }
credentials: { acme: { provider: acme, client_id: id, client_secret: a-client-secret } }
routes: { /acme: { upstream: "http://127.0.0.1:${up.port}", credential: acme } }
`;

describe('traces', () => {
  let clock: OffsetClock;
  let proxy: Fixture;
  let tracing: Tracing;
  let warnings: string[];

  async function begin(env: Record<string, string> = {}): Promise<void> {
    warnings = [];
    const log = createLog({ level: 'warn', stream: { write: (line) => void warnings.push(line) } });
    clock = offsetClock();
    const started = await startTracing({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20', ...env },
      server: { listen: { kind: 'tcp', host: '127.0.0.1', port: 8080 }, tls: undefined },
      log,
      clock,
    });
    if (started === undefined) throw new Error('no tracing');
    tracing = started;
    proxy = await startCupbearer(yaml(), { clock, tracing });
  }
  afterEach(async () => {
    await proxy?.stop();
    await tracing?.stop();
  });

  const send = (path: string, ...fields: string[]) =>
    rawRequest(
      proxy.port,
      `GET ${path} HTTP/1.1\r\n${['Host: localhost', 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`,
    );
  const spans = async (count: number): Promise<CollectedSpan[]> => {
    await expect.poll(() => collector.spans.length, soon).toBeGreaterThanOrEqual(count);
    return collector.spans.splice(0).sort((a, b) => a.kind - b.kind || a.start - b.start);
  };

  it('show a call with its attempts and the renewal between them, as the upstream was told', async () => {
    await begin();
    await send('/acme/warm');
    await spans(3);
    clock.advance(5_000);
    up.requests.length = 0;
    answer = (_request, count) => (count === 1 ? refused : ok);
    const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const before = clock.wall();
    expect((await send('/acme/things?key=secret-query', `traceparent: ${parent}`)).status).toBe(200);
    const [flight, call, first, second, ...others] = (await spans(4)) as [
      CollectedSpan,
      CollectedSpan,
      CollectedSpan,
      CollectedSpan,
    ];
    expect(others).toEqual([]);
    const told = up.requests.map((one) => values(one, 'traceparent').join());
    expect(told).toEqual([first, second].map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`));
    expect([flight, call, first, second].map(({ traceId }) => traceId)).toEqual(
      Array(4).fill(parent.slice(3, 35)),
    );
    expect(call).toMatchObject({
      parentSpanId: '00f067aa0ba902b7',
      kind: server,
      name: 'GET /acme',
      status: 0,
    });
    for (const one of [flight, first, second]) expect(one.parentSpanId).toBe(call.spanId);
    expect(call.attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.route': '/acme',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': 8080,
      'cupbearer.credential': 'acme',
      'cupbearer.token': 'ready',
      'cupbearer.retry': 'recovered',
    });
    const upstream = {
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': up.port,
      'url.scheme': 'http',
    };
    expect(first).toMatchObject({ kind: client, name: 'GET', status: 2 });
    expect(first.attributes).toEqual({ ...upstream, 'http.response.status_code': 401, 'error.type': '401' });
    expect(second).toMatchObject({ kind: client, status: 0 });
    expect(second.attributes).toEqual({
      ...upstream,
      'http.response.status_code': 200,
      'http.request.resend_count': 1,
    });
    expect(flight).toMatchObject({ kind: internal, name: 'cupbearer.token acme', status: 0, links: [] });
    expect(flight.attributes).toEqual({
      'cupbearer.credential': 'acme',
      'cupbearer.token.reason': 'force',
      'cupbearer.token.outcome': 'fetched',
      'cupbearer.token.waiting': 1,
    });
    const times = [
      before - 1,
      call.start,
      first.start,
      first.end,
      flight.start,
      flight.end,
      second.start,
      second.end,
    ];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(second.end).toBeLessThanOrEqual(call.end);
    const [line] = proxy
      .log()
      .split('\n')
      .filter((one) => one.includes(call.traceId));
    expect(JSON.parse(line!)).toMatchObject({ span_id: call.spanId });
    expect(collector.requests.map(({ text }) => text).join()).not.toMatch(/secret|token-\d|things/);
  });

  it('link a token request to all who waited for it', async () => {
    await begin();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    tokens.answer = async () => {
      await held;
      return { body: { access_token: 'token-x', expires_in: 3600 } };
    };
    const calls = [1, 2, 3].map(() => send('/acme/x'));
    await expect.poll(async () => (await proxy.usage()).exchanges, soon).toBe(3);
    release();
    await Promise.all(calls);
    const [flight, ...others] = (await spans(7)) as [CollectedSpan, ...CollectedSpan[]];
    const waited = others.filter(({ kind }) => kind === server);
    expect(waited).toHaveLength(3);
    expect([flight.parentSpanId, ...flight.links.map(({ spanId }) => spanId)].toSorted()).toEqual(
      waited.map(({ spanId }) => spanId).toSorted(),
    );
    expect(flight.attributes['cupbearer.token.waiting']).toBe(3);
    expect(waited.map(({ attributes }) => attributes['cupbearer.token'])).toEqual(Array(3).fill('waited'));
  });

  it('say what failed: a token, an upstream, a request that has no route', async () => {
    await begin();
    tokens.answer = () => ({ status: 401, body: { error: 'invalid_client' } });
    expect((await send('/acme/x')).status).toBe(502);
    const [flight, call] = (await spans(2)) as [CollectedSpan, CollectedSpan];
    expect(flight).toMatchObject({ status: 2, traceId: call.traceId, parentSpanId: call.spanId });
    expect(flight.attributes).toMatchObject({
      'cupbearer.token.outcome': 'failed',
      'error.type': 'invalid_client',
    });
    expect(call).toMatchObject({ status: 2, attributes: { 'error.type': 'token-refused' } });
    expect((await send('/nowhere')).status).toBe(404);
    const [nowhere] = (await spans(1)) as [CollectedSpan];
    expect(nowhere).toMatchObject({
      name: 'GET',
      status: 0,
      attributes: { 'error.type': 'route-not-found' },
    });
    expect(nowhere.parentSpanId).toBeUndefined();
  });

  it('have an attempt that got no answer', async () => {
    await begin();
    answer = (one) => {
      up.reset(one.socket);
      return undefined;
    };
    expect((await send('/acme/x')).status).toBe(502);
    const [, , attempt] = (await spans(3)) as [CollectedSpan, CollectedSpan, CollectedSpan];
    expect(attempt).toMatchObject({
      kind: client,
      status: 2,
      attributes: { 'error.type': 'upstream-closed' },
    });
  });

  it.each<[string, Record<string, string>, string[], string[]]>([
    ['what the caller says', {}, ['01', '00', ''], ['01', '00', '01']],
    [
      'a share of 0',
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
      ['01', '00', ''],
      ['01', '00', '00'],
    ],
    ['always', { OTEL_TRACES_SAMPLER: 'always_on' }, ['01', '00', ''], ['01', '01', '01']],
    ['never', { OTEL_TRACES_SAMPLER: 'always_off' }, ['01', '00', ''], ['00', '00', '00']],
  ])('are recorded, and the upstream told so, by %s', async (_, env, flags, expected) => {
    await begin(env);
    for (const flag of flags)
      await send(
        '/acme/x',
        ...(flag === '' ? [] : [`traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-${flag}`]),
      );
    expect(up.requests.map((one) => values(one, 'traceparent').join().slice(-2))).toEqual(expected);
    await tracing.stop();
    expect(collector.spans.filter(({ kind }) => kind === server)).toHaveLength(
      expected.filter((one) => one === '01').length,
    );
  });

  it('are about the service and with the fields that the environment gives, packed when it says so', async () => {
    await begin({
      OTEL_SERVICE_NAME: 'payments',
      OTEL_RESOURCE_ATTRIBUTES: 'team=a%2Cb,deployment.environment.name=test',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc,x-tenant=t',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    });
    await send('/acme/x');
    const [span] = await spans(3);
    expect(span?.resource).toMatchObject({
      'service.name': 'payments',
      team: 'a,b',
      'deployment.environment.name': 'test',
      'process.pid': process.pid,
    });
    expect(collector.requests[0]).toMatchObject({
      path: '/v1/traces',
      headers: { authorization: 'Bearer abc', 'x-tenant': 't', 'content-encoding': 'gzip' },
    });
  });

  it('that cannot be exported are told of once, and stop nobody', async () => {
    await begin();
    collector.status = 400;
    for (let i = 0; i < 3; i++) {
      expect((await send('/acme/x')).status).toBe(200);
      await expect.poll(() => collector.requests.length, soon).toBeGreaterThan(i);
    }
    await expect.poll(() => warnings.length, soon).toBe(1);
    expect(JSON.parse(warnings[0]!)).toMatchObject({
      msg: 'traces could not be exported',
      failures: 1,
      status: 400,
    });
  });

  it('do not keep the end waiting for a collector that is silent', async () => {
    await begin();
    collector.status = 0;
    await send('/acme/x');
    const before = performance.now();
    await tracing.stop();
    expect(performance.now() - before).toBeLessThan(4_000);
  });
});

describe('serve with a collector', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-tracing-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it.each([1, 2])(
    'exports what is left when it stops, past every proxy of the environment: %i processes',
    async (workers) => {
      const served = serve(configFile(directory, yaml(`, workers: ${workers}`)), {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/here`,
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=SENT-collector-key',
        OTEL_BSP_SCHEDULE_DELAY: '60000',
        HTTP_PROXY: 'http://127.0.0.1:1',
        http_proxy: 'http://127.0.0.1:1',
        NODE_USE_ENV_PROXY: '1',
      });
      const url = await served.url;
      const sent = { headers: { 'x-request-id': 'SENT-collector-key' } };
      for (let i = 0; i < 4; i++) {
        const { statusCode, body } = await request(`${url}/acme/x`, sent);
        expect(statusCode, await body.text()).toBe(200);
      }
      expect(collector.spans).toEqual([]);
      expect(await served.end('SIGTERM')).toBe(0);
      expect(new Set(collector.requests.map(({ path }) => path))).toEqual(new Set(['/here']));
      expect(collector.requests[0]?.headers['api-key']).toBe('SENT-collector-key');
      const kinds = collector.spans.map(({ kind }) => kind).toSorted();
      expect(kinds).toEqual([internal, ...Array(4).fill(server), ...Array(4).fill(client)]);
      const processes = new Set(collector.spans.map(({ resource }) => resource['process.pid']));
      expect(processes.size).toBe(workers === 1 ? 1 : 3);
      const told = up.requests.map((one) => values(one, 'traceparent').join().split('-')[2]).toSorted();
      expect(told).toEqual(
        collector.spans
          .filter(({ kind }) => kind === client)
          .map(({ spanId }) => spanId)
          .toSorted(),
      );
      expect(served.output()).toContain('"id":"[secret]"');
      expect(served.output()).not.toContain('SENT-collector-key');
    },
  );
});

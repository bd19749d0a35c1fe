import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Running, start } from '../../src/cli/start.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { configOf } from '../support/config.ts';
import { type TokenServer, tokenServer } from '../support/fixture.ts';
import { type MetricText, parseMetrics, seriesOf } from '../support/metric-text.ts';
import { type Prometheus, prometheusIsMissing, promtool, startPrometheus } from '../support/prometheus.ts';

const soon = { timeout: 10_000 };
const deploy = join(import.meta.dirname, '../../deploy');
const alertsFile = join(deploy, 'prometheus/alerts.yaml');
const secret = 'a-client-secret-nobody-may-see';

let tokens: TokenServer;
let upstream: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let running: Running;

/** One instance that has seen a bit of everything; each test adds to it, and none looks at totals it does not own. */
beforeAll(async () => {
  tokens = await tokenServer('token-');
  tokens.answer = (count, _request, body) =>
    body.includes('client_id=wrong')
      ? { status: 401, body: { error: 'invalid_client' } }
      : { body: { access_token: `token-${count}`, token_type: 'Bearer', expires_in: 3600 } };
  answer = (_request, response) => void response.end('ok');
  upstream = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const to = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const yaml = `
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", max_tunnels: 7 }
providers: { acme: { token: { url: "${tokens.url}", client_auth: client_secret_post }, refused: { status: [401] } } }
credentials:
  acme: { provider: acme, client_id: id, client_secret: ${secret} }
  wrong: { provider: acme, client_id: wrong, client_secret: ${secret} }
  tenants: { provider: acme, client_id: id, client_secret: ${secret}, tenant: { header: X-Tenant } }
routes:
  /acme: { upstream: "${to}", credential: acme }
  /wrong: { upstream: "${to}", credential: wrong }
  /tenants: { upstream: "${to}", credential: tenants }
  /idle: { upstream: "${to}", credential: acme }
`;
  const config = configOf(yaml);
  running = await start(config, { log: createLog({ level: 'silent' }) });
});
afterAll(async () => {
  await running?.stop();
  upstream.closeAllConnections();
  upstream.close();
  await tokens.close();
});

async function call(path: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(`${running.url}${path}`, init);
  await response.arrayBuffer();
  return response.status;
}

async function text(): Promise<string> {
  return (await fetch(`${running.adminUrl}/metrics`)).text();
}

async function scrape(): Promise<MetricText> {
  return parseMetrics(await text());
}

/** Every expression of the dashboard, with what Grafana puts in. */
function dashboardExpressions(): string[] {
  const found: string[] = [];
  const dashboard = JSON.parse(readFileSync(join(deploy, 'grafana/dashboard.json'), 'utf8'), (key, value) => {
    if (key === 'expr') found.push(value);
    return value;
  });
  const queries: string[] = dashboard.templating.list.flatMap(({ definition }: { definition?: string }) => {
    const [, selector] = /^label_values\((.*), \w+\)$/.exec(definition ?? '') ?? [];
    return selector ?? [];
  });
  return [...found, ...queries].map((one) =>
    one.replaceAll('$__rate_interval', '1m').replaceAll(/\$(?:instance|job|route|credential)\b/g, '.*'),
  );
}

function alertExpressions(): string[] {
  const { groups } = parse(readFileSync(alertsFile, 'utf8')) as { groups: { rules: { expr: string }[] }[] };
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
}

/** The metric that a series of a histogram belongs to; a name that ends otherwise stays. */
function familyOf(name: string): string {
  return name.replace(/_(?:bucket|sum|count)$/, '');
}

/** The metrics that an expression names. */
function metricsIn(expression: string): string[] {
  return expression.match(/\b(?:cupbearer|process|nodejs)_\w+/g) ?? [];
}

describe('a scrape', () => {
  it('is the same set of series whatever callers send: no tenant, path, field or method becomes a label', async () => {
    const outcomes = ['/tenants/x', '/nowhere', '/acme/a%5Cb'];
    for (const path of outcomes) await call(path, { headers: { 'x-tenant': 'first' } });
    const before = seriesOf(await scrape());
    const visible = fc.string({
      unit: fc.constantFrom(...'aZ09-._~"{},=\\\n$%'.replace('\n', '')),
      minLength: 1,
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(
        visible,
        visible,
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
        async (tenant, path, method) => {
          const headers = {
            'x-tenant': tenant,
            'user-agent': tenant,
            [`x-${encodeURIComponent(path).replaceAll('%', '')}`]: tenant,
          };
          await call(`/tenants/${encodeURIComponent(path)}?${encodeURIComponent(tenant)}`, {
            method,
            headers,
          });
          await call(`/${encodeURIComponent(path)}`, { method, headers });
        },
      ),
      { numRuns: 15 },
    );
    for (let i = 0; i < 8; i++) await call('/tenants/x', { headers: { 'x-tenant': `tenant-${i}` } });
    const after = await scrape();
    expect(seriesOf(after).filter((one) => !before.includes(one))).toEqual([]);
    expect(
      after.value('cupbearer_requests_total', { route: '/tenants', status: '2xx' }),
    ).toBeGreaterThanOrEqual(9);
    const tenants = after.samples.filter(
      ({ name, labels }) => name === 'cupbearer_credential_tokens' && labels.credential === 'tenants',
    );
    expect(tenants.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThanOrEqual(9);
  });

  it('shows no secret and no token', async () => {
    await call('/acme/x');
    await call('/wrong/x');
    const all = await text();
    expect(all).not.toContain(secret);
    expect(all).not.toMatch(/token-\d/);
  });

  it('counts what is held while it is held', async () => {
    const arrived = Promise.withResolvers<ServerResponse>();
    const before = answer;
    answer = (_request, response) => arrived.resolve(response);
    const pending = call('/acme/slow', { method: 'POST', body: 'x'.repeat(1_000) });
    const response = await arrived.promise;
    const during = await scrape();
    expect(during.value('cupbearer_exchanges')).toBe(1);
    expect(during.value('cupbearer_replay_buffer_bytes')).toBeGreaterThanOrEqual(1_000);
    expect(during.value('cupbearer_tunnels_limit')).toBe(7);
    response.end();
    await pending;
    answer = before;
    await expect.poll(async () => (await scrape()).value('cupbearer_exchanges'), soon).toBe(0);
  });

  it('has every metric that the dashboard and the alerts name', async () => {
    const { types } = await scrape();
    const names = [...dashboardExpressions(), ...alertExpressions()].flatMap(metricsIn);
    expect(names.length).toBeGreaterThan(60);
    const known = (name: string) => types.has(name) || types.get(familyOf(name)) === 'histogram';
    expect(names.filter((name) => !known(name))).toEqual([]);
  });

  it('is shown whole by the dashboard, but for what only heap experts ask', async () => {
    const shown = new Set(dashboardExpressions().flatMap(metricsIn).map(familyOf));
    expect([...(await scrape()).types.keys()].filter((name) => !shown.has(name))).toEqual([
      'process_virtual_memory_bytes',
      'nodejs_heap_size_bytes',
      'nodejs_heap_limit_bytes',
    ]);
  });
});

describe.skipIf(prometheusIsMissing())('with a real Prometheus', () => {
  let prometheus: Prometheus;

  beforeAll(async () => {
    prometheus = await startPrometheus(new URL(running.adminUrl as string).host, [alertsFile]);
  });
  afterAll(() => prometheus?.close());

  const only = async (expression: string) => (await prometheus.query(expression)).map(({ value }) => value);

  it('the numbers are those of what really happened', async () => {
    const before = await scrape();
    const of = (route: string, status: string) =>
      before.value('cupbearer_requests_total', { route, status }) ?? 0;
    const recovered =
      before.value('cupbearer_token_refusals_total', { route: '/acme', outcome: 'recovered' }) ?? 0;
    for (let i = 0; i < 5; i++) expect(await call('/acme/ok')).toBe(200);
    answer = (_request, response) => void response.writeHead(500).end();
    for (let i = 0; i < 2; i++) expect(await call('/acme/broken')).toBe(500);
    // The pace of renewals: a token is not refused in the second of its birth.
    let refusals = 0;
    answer = (_request, response) => void response.writeHead(refusals++ === 0 ? 401 : 200).end();
    await expect
      .poll(
        async () => {
          refusals = 0;
          await call('/acme/refused');
          return (await scrape()).value('cupbearer_token_refusals_total', {
            route: '/acme',
            outcome: 'recovered',
          });
        },
        { timeout: 10_000, interval: 300 },
      )
      .toBe(recovered + 1);
    answer = (_request, response) => void response.end('ok');
    for (let i = 0; i < 3; i++) expect(await call('/wrong/x')).toBe(502);
    const now = await scrape();
    const expected = (route: string, status: string) =>
      now.value('cupbearer_requests_total', { route, status });
    expect(expected('/acme', '5xx')).toBe(of('/acme', '5xx') + 2);

    const requests = (route: string, status: string) =>
      only(`cupbearer_requests_total{route="${route}",status="${status}"}`);
    await expect.poll(() => requests('/wrong', '5xx'), soon).toEqual([of('/wrong', '5xx') + 3]);
    expect(await requests('/acme', '2xx')).toEqual([expected('/acme', '2xx')]);
    expect(await requests('/acme', '5xx')).toEqual([of('/acme', '5xx') + 2]);
    expect(await requests('/idle', '2xx')).toEqual([0]);
    expect(await only('cupbearer_token_refusals_total{route="/acme",outcome="recovered"}')).toEqual([
      recovered + 1,
    ]);
    expect(
      await only(
        'sum(cupbearer_request_duration_seconds_count{route="/wrong"}) == sum(cupbearer_requests_total{route="/wrong"})',
      ),
    ).toHaveLength(1);
    expect(await only('cupbearer_credential_renewals{credential="wrong",state="blocked"}')).toEqual([1]);
    expect(await only('cupbearer_credential_well')).toEqual(expect.arrayContaining([1, 0]));
    expect(await only('cupbearer_token_failures_total{credential="wrong",kind="invalid_client"}')).toEqual([
      1,
    ]);
    expect(await only('sum(cupbearer_token_flights_total{outcome="fetched"})')).toEqual([tokens.calls - 1]);
    expect(await only('cupbearer_token_lifetime_left_seconds{credential="acme"} > 3500 < 3600')).toHaveLength(
      1,
    );
    expect(
      await only('histogram_quantile(0.5, sum by (le) (cupbearer_request_duration_seconds_bucket))'),
    ).toHaveLength(1);
    expect(await only('process_resident_memory_bytes{job="cupbearer"} > 2e7')).toHaveLength(1);
  });

  it('scrapes succeed, in the format that it prefers', async () => {
    const [target] = await prometheus.targets();
    expect(target).toMatchObject({ health: 'up', lastError: '' });
  });

  it('the blocked credential is an alert, and nothing is that is well', async () => {
    const blocked = { alertname: 'CupbearerCredentialBlocked', credential: 'wrong', severity: 'critical' };
    await expect
      .poll(() => prometheus.alerts(), soon)
      .toContainEqual(expect.objectContaining({ labels: expect.objectContaining(blocked) }));
    const others = (await prometheus.alerts()).filter(
      ({ labels }) => labels.credential !== 'wrong' && labels.route === undefined,
    );
    expect(others.map(({ labels }) => labels.alertname)).toEqual([]);
  });

  it('every expression of the dashboard can be asked, and most give something', async () => {
    const answers = await Promise.all(dashboardExpressions().map((one) => prometheus.query(one)));
    expect(answers.filter((one) => one.length > 0).length).toBeGreaterThan(answers.length / 2);
  });

  it('promtool has nothing to say against a scrape, the rules, their tests and the configuration', async () => {
    expect(promtool(['check', 'metrics'], await text())).toEqual({ code: 0, text: '' });
    expect(promtool(['check', 'rules', alertsFile])).toMatchObject({ code: 0 });
    expect(promtool(['test', 'rules', join(deploy, 'prometheus/alerts.test.yaml')])).toMatchObject({
      code: 0,
    });
    expect(promtool(['check', 'config', join(deploy, 'prometheus/prometheus.yaml')])).toMatchObject({
      code: 0,
    });
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type MetricText, parseMetrics } from '../support/metric-text.ts';
import { configFile, serve } from '../support/serve.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';

const soon = { timeout: 10_000 };

it('one scrape tells of all workers together', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-metrics-'));
  const vendor = await startTokenEndpoint();
  const file = configFile(
    directory,
    `
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", workers: 2 }
providers: { acme: { token: { url: "${vendor.url}" } } }
credentials: { acme: { provider: acme, client_id: id, client_secret: secret-of-acme } }
routes: { /acme: { upstream: "${new URL(vendor.url).origin}", credential: acme } }
`,
  );
  const served = serve(file);
  try {
    const url = await served.url;
    const adminUrl = await served.adminUrl;
    const scrape = async (): Promise<MetricText> =>
      parseMetrics(await (await fetch(`${adminUrl}/metrics`)).text());
    // Each on a connection of its own, so that each worker gets some.
    const init = { headers: { connection: 'close' } };
    for (let i = 0; i < 20; i++) expect((await fetch(`${url}/acme/x`, init)).status).toBe(200);
    const requests = async () =>
      (await scrape()).value('cupbearer_requests_total', { route: '/acme', status: '2xx' });
    await expect.poll(requests, soon).toBe(20);
    const text = await scrape();
    expect(text.value('cupbearer_workers', { state: 'serving' })).toBe(2);
    expect(text.value('cupbearer_request_duration_seconds_count', { route: '/acme' })).toBe(20);
    expect(text.value('cupbearer_token_flights_total', { credential: 'acme', outcome: 'fetched' })).toBe(1);
    expect(text.value('cupbearer_credential_tokens', { credential: 'acme', state: 'fresh' })).toBe(1);
    expect(text.value('cupbearer_connections')).toBeTypeOf('number');

    const pids = JSON.parse(
      await (await fetch(`${adminUrl}/api/status`, { headers: { 'x-cupbearer': '1' } })).text(),
    ).workers.map(({ pid }: { pid: number }) => pid);
    process.kill(pids[0], 'SIGKILL');
    await expect.poll(async () => (await scrape()).value('cupbearer_worker_restarts_total'), soon).toBe(1);
    expect(await requests()).toBe(20);
  } finally {
    await served.end('SIGTERM');
    await vendor.close();
    rmSync(directory, { recursive: true });
  }
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { errorTable } from '../../src/errors.ts';
import { createCounters } from '../../src/telemetry/counters.ts';
import { bounds } from '../../src/telemetry/histogram.ts';
import { metricsOf } from '../../src/telemetry/metrics.ts';
import { readProcess } from '../../src/telemetry/metrics-process.ts';
import { createTally } from '../../src/telemetry/tally.ts';
import { createTokenCounts, readTokenCounts } from '../../src/telemetry/token-counts.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8');

/** Every metric as a row of the page, made of an instance in which everything has happened once. */
async function rows(): Promise<string[]> {
  const counters = createCounters(['/a']);
  const exchange = { route: '/a', status: 502, token: 'ready', tunnel: undefined, upstreamMs: 1 } as const;
  counters.record({ ...exchange, error: 'internal', retry: 'recovered', resent: true, aborted: 'caller' }, 1);
  const tokens = createTokenCounts();
  const credential = 'acme';
  tokens.flights.add({ credential, reason: 'cold', outcome: 'fetched' }, 1);
  tokens.failures.add({ credential, kind: 'timeout' });
  tokens.refused.add({ credential, action: 'forced' });
  tokens.revocations.add({ credential, outcome: 'revoked' });
  tokens.secrets.add({ credential, outcome: 'changed' });
  const store = createTally(['operation', 'outcome']);
  store.add({ operation: 'load', outcome: 'ok' }, 1);
  const held = { now: 0, max: 1 };
  const instance = {
    region: 'FRESH',
    refresh: 'IDLE',
    well: true,
    lifetimeLeftMs: 1,
    retryInMs: 0,
    waiters: 0,
  } as const;
  const metrics = metricsOf({
    version: '1',
    node: '1',
    routes: counters.read(),
    credentials: [{ credential, instances: [instance], loginNeeded: false }],
    tokens: readTokenCounts(tokens),
    store: { kind: 'sqlite', isUp: true, operations: store.read() },
    held: { connections: held, exchanges: held, tunnels: held, buffered: held },
    config: { loadedAtMs: 0, reloads: 0, refusals: 0, isRefused: false },
    workers: [{ state: 'serving', restarts: 0 }],
    process: await readProcess(1),
  });
  return metrics.map(({ name, type, help, samples }) => {
    const labels = new Set(
      [...samples].flatMap((one) => Object.keys({ ...one.sharedLabels, ...one.labels })),
    );
    labels.delete('le');
    const named = [...labels].map((one) => `\`${one}\``).join(', ');
    return `| \`${name}\` | ${type} | ${named || '–'} | ${help} |`;
  });
}

it('docs/metrics.md lists every metric with its type, labels and meaning, and no other', async () => {
  const listed = page.split('\n').filter((line) => /^\| `\w+` \| (?:counter|gauge|histogram) \|/.test(line));
  expect(listed.sort()).toEqual((await rows()).sort());
});

it('docs/metrics.md names the buckets', () => {
  expect(page).toContain(`seconds: ${bounds.map((ms) => ms / 1_000).join(', ')}.`);
});

it('the alert about errors of our own is about all of them that the caller cannot help', () => {
  const alerts = readFileSync(join(root, 'deploy/prometheus/alerts.yaml'), 'utf8');
  const patterns = new Set([...alerts.matchAll(/code=~"([^"]+)"/g)].map(([, pattern]) => pattern as string));
  expect(patterns.size).toBe(1);
  const [pattern = ''] = patterns;
  const matched = Object.keys(errorTable).filter((code) => new RegExp(`^(?:${pattern})$`).test(code));
  // The others have 5xx as well, but mean a stop, a caller's HTTP version, a login page, or no exchange at all.
  const apart = ['shutting-down', 'version-not-supported', 'login-failed', 'usage', 'configuration-invalid'];
  const ours = Object.entries(errorTable).flatMap(([code, { status }]) => (status >= 500 ? code : []));
  expect(matched.sort()).toEqual(ours.filter((code) => !apart.includes(code)).sort());
});

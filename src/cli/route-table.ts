import type { RouteStatus, WorkerStatus } from '../admin/instance-status.ts';
import { table } from './table.ts';

const maxRoutes = 20;
const longestMs = 60_000;

/** The routes that were called, busiest first, below an empty line; nothing when none was. */
export function routeLines(routes: readonly RouteStatus[]): string[] {
  const called = routes.filter(({ requests }) => requests > 0).sort((a, b) => b.requests - a.requests);
  if (called.length === 0) return [];
  const rows = called.slice(0, maxRoutes).map(({ route, requests, errors, recovered, p50_ms, p99_ms }) => ({
    cells: [route ?? '(no route)', `${requests}`, `${errors}`, `${recovered}`, took(p50_ms), took(p99_ms)],
    notes: [],
  }));
  const rest = called.length - rows.length;
  return [
    '',
    ...table(['ROUTE', 'REQUESTS', 'ERRORS', 'RECOVERED', 'P50', 'P99'], rows),
    ...(rest > 0 ? [`… and ${rest} more`] : []),
  ];
}

/** `4 workers: 3 serving, 1 starting; 2 restarts.`; nothing of a single one. */
export function workersLine(workers: readonly WorkerStatus[]): string[] {
  if (workers.length < 2) return [];
  const states = (['serving', 'starting', 'stopping'] as const)
    .map((state) => ({ state, times: workers.filter((one) => one.state === state).length }))
    .filter(({ times }) => times > 0)
    .map(({ state, times }) => `${times} ${state}`);
  const restarts = workers.reduce((sum, one) => sum + one.restarts, 0);
  const ended = restarts === 0 ? '' : `; ${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`;
  return [`${workers.length} workers: ${states.join(', ')}${ended}.`];
}

/** An estimate: `~0.4 ms`, `~47 ms`, `~1.2 s`, `≥60 s`. */
function took(ms: number | undefined): string {
  if (ms === undefined) return '';
  if (ms >= longestMs) return `≥${longestMs / 1_000} s`;
  return ms < 1_000 ? `~${ms} ms` : `~${ms / 1_000} s`;
}

import { byLabel, counted, counter, durations, gauge, known, type Metric } from './metric.ts';
import type { Tallied } from './tally.ts';

/** What is held now, all processes that serve together, and how much may be. */
export interface HeldFacts {
  readonly connections: Held;
  readonly exchanges: Held;
  readonly tunnels: Held;
  /** Bytes in replay buffers. */
  readonly buffered: Held;
}

interface Held {
  /** Undefined while nobody serves. */
  readonly now: number | undefined;
  readonly max: number;
}

export interface StoreFacts {
  /** `memory`, `sqlite` or `redis`. */
  readonly kind: string;
  /** It has answered now. */
  readonly isUp: boolean;
  readonly operations: readonly Tallied<'operation' | 'outcome'>[];
}

/** What became of the configuration file since the start. */
export interface ConfigFacts {
  /** When the configuration in force was read, ms since the Unix epoch. */
  readonly loadedAtMs: number;
  readonly reloads: number;
  readonly refusals: number;
  /** The file as it is now is not in force. */
  readonly isRefused: boolean;
}

export interface WorkerFacts {
  readonly state: 'starting' | 'serving' | 'stopping';
  readonly restarts: number;
}

export function heldMetrics({ connections, exchanges, tunnels, buffered }: HeldFacts): Metric[] {
  return [
    ...held('cupbearer_connections', 'Connections of callers', 'server.max_connections', connections),
    ...held('cupbearer_exchanges', 'Exchanges in progress', 'server.max_requests', exchanges),
    ...held('cupbearer_tunnels', 'WebSockets and handshakes for them', 'server.max_tunnels', tunnels),
    gauge('cupbearer_replay_buffer_bytes', 'Request bodies kept for a replay.', known(buffered.now)),
    gauge('cupbearer_replay_buffer_limit_bytes', 'server.max_body_buffer.', buffered.max),
  ];
}

export function storeMetrics({ kind, isUp, operations }: StoreFacts): Metric[] {
  return [
    gauge('cupbearer_store_up', '1: the session store answered when this scrape asked it.', [
      { labels: { kind }, value: Number(isUp) },
    ]),
    counter(
      'cupbearer_store_operations_total',
      'Operations on the session store by outcome; conflict: another process was first.',
      counted(operations),
    ),
    durations(
      'cupbearer_store_operation_duration_seconds',
      'How long operations on the session store took.',
      operations,
    ),
  ];
}

export function configMetrics({ loadedAtMs, reloads, refusals, isRefused }: ConfigFacts): Metric[] {
  return [
    counter('cupbearer_config_reloads_total', 'Configurations that were read after the start, by outcome.', [
      ...byLabel('outcome', { applied: reloads, refused: refusals }),
    ]),
    gauge(
      'cupbearer_config_last_reload_successful',
      '1: what the configuration file says is in force. 0: it was refused, the one before serves on.',
      Number(!isRefused),
    ),
    gauge(
      'cupbearer_config_last_reload_success_timestamp_seconds',
      'When the configuration in force was read.',
      loadedAtMs / 1_000,
    ),
  ];
}

/** Undefined: one process serves. */
export function workerMetrics(workers: readonly WorkerFacts[] = []): Metric[] {
  const numbers = { starting: 0, serving: 0, stopping: 0 };
  for (const { state } of workers) numbers[state]++;
  const restarts = workers.reduce((sum, worker) => sum + worker.restarts, 0);
  return [
    gauge('cupbearer_workers', 'Worker processes by state; none without server.workers.', [
      ...byLabel('state', numbers),
    ]),
    counter('cupbearer_worker_restarts_total', 'Workers started in the place of one that ended.', [
      { value: restarts },
    ]),
  ];
}

/** Always 1, for joining. */
export function buildInfo(version: string, node: string): Metric {
  const labels = { version, node_version: node };
  return gauge('cupbearer_build_info', 'Always 1; the versions of Cupbearer and of Node.', [
    { labels, value: 1 },
  ]);
}

function held(name: string, what: string, key: string, { now, max }: Held): Metric[] {
  return [
    gauge(name, `${what} now.`, known(now)),
    gauge(`${name}_limit`, `How many there may be: ${key}.`, max),
  ];
}

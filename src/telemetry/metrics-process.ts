import { readdir, readFile } from 'node:fs/promises';
import { getHeapStatistics } from 'node:v8';
import { byLabel, counter, gauge, known, type Metric } from './metric.ts';

/** What the process that is asked uses. What the system does not tell is undefined; only Linux tells all. */
export interface ProcessFacts {
  /** Milliseconds of processor time. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  readonly virtualBytes: number | undefined;
  readonly heapUsedBytes: number;
  readonly heapSizeBytes: number;
  readonly heapLimitBytes: number;
  readonly externalBytes: number;
  readonly openFiles: number | undefined;
  /** Infinity: without a limit. */
  readonly maxFiles: number | undefined;
  /** Since the Unix epoch. */
  readonly startedAtMs: number;
  /** How long the event loop has waited for something to do, and has worked. */
  readonly idleMs: number;
  readonly activeMs: number;
  /** How late work that was due at once has come to its turn just now. */
  readonly lagMs: number;
}

export async function readProcess(maxFiles: number | undefined): Promise<ProcessFacts> {
  const { user, system } = process.cpuUsage();
  const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
  const { idle, active } = performance.eventLoopUtilization();
  const [lagMs, virtualBytes, openFiles] = await Promise.all([lag(), readVirtual(), countFiles()]);
  return {
    cpuMs: (user + system) / 1_000,
    residentBytes: rss,
    virtualBytes,
    heapUsedBytes: heapUsed,
    heapSizeBytes: heapTotal,
    heapLimitBytes: getHeapStatistics().heap_size_limit,
    externalBytes: external,
    openFiles,
    maxFiles,
    startedAtMs: performance.timeOrigin,
    idleMs: idle,
    activeMs: active,
    lagMs,
  };
}

/** Under the names that Prometheus' own client libraries use. */
export function processMetrics(facts: ProcessFacts): Metric[] {
  return [
    counter('process_cpu_seconds_total', 'Processor time used.', [{ value: facts.cpuMs / 1_000 }]),
    gauge('process_resident_memory_bytes', 'Memory in use (RSS).', facts.residentBytes),
    gauge('process_virtual_memory_bytes', 'Address space.', known(facts.virtualBytes)),
    gauge('process_open_fds', 'Open file descriptors.', known(facts.openFiles)),
    gauge('process_max_fds', 'How many file descriptors may be open.', known(facts.maxFiles)),
    gauge('process_start_time_seconds', 'When the process started.', facts.startedAtMs / 1_000),
    gauge('nodejs_heap_size_used_bytes', 'Heap in use.', facts.heapUsedBytes),
    gauge('nodejs_heap_size_bytes', 'Heap allocated.', facts.heapSizeBytes),
    gauge('nodejs_heap_limit_bytes', 'How large the heap may grow.', facts.heapLimitBytes),
    gauge('nodejs_external_memory_bytes', 'Buffers and other memory beside the heap.', facts.externalBytes),
    counter('nodejs_eventloop_time_seconds_total', 'Time of the event loop, idle or active.', [
      ...byLabel('state', { idle: facts.idleMs / 1_000, active: facts.activeMs / 1_000 }),
    ]),
    gauge(
      'nodejs_eventloop_lag_seconds',
      'How late work came to its turn at the time of the scrape.',
      facts.lagMs / 1_000,
    ),
  ];
}

async function lag(): Promise<number> {
  const start = performance.now();
  await new Promise((resolve) => setImmediate(resolve));
  return performance.now() - start;
}

async function readVirtual(): Promise<number | undefined> {
  try {
    const [, kib] = /^VmSize:\s+(\d+) kB/m.exec(await readFile('/proc/self/status', 'latin1')) ?? [];
    return kib === undefined ? undefined : Number(kib) * 1_024;
  } catch {
    return undefined;
  }
}

async function countFiles(): Promise<number | undefined> {
  try {
    return (await readdir('/proc/self/fd')).length;
  } catch {
    return undefined;
  }
}

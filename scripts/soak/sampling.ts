import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'undici';

/** What a process holds at one moment. */
export interface Sample {
  /** Minutes since the start. */
  readonly at: number;
  readonly rssMiB: number;
  readonly fds: number;
}

export interface Trend {
  readonly first: number;
  readonly median: number;
  /** The median of the last quarter. */
  readonly last: number;
  /** Least squares, a minute. */
  readonly slope: number;
}

/** Looks at /proc (Linux). */
export function sample(pid: number, at: number): Sample {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ');
  return { at, rssMiB: (Number(pages) * 4_096) / 1_048_576, fds: openFiles(pid) };
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export function trend<S extends { readonly at: number }>(
  samples: readonly S[],
  of: (one: S) => number,
): Trend {
  const values = samples.map(of);
  const quarter = Math.max(Math.ceil(values.length / 4), 1);
  return {
    first: values[0] ?? 0,
    median: median(values),
    last: median(values.slice(-quarter)),
    slope: slope(
      samples.map(({ at }) => at),
      values,
    ),
  };
}

export interface HeapSample {
  /** Minutes since the start. */
  readonly at: number;
  readonly heapMiB: number;
}

/** The heap in use, garbage included, as the metrics of an instance tell. */
export async function heapOf(adminUrl: string, at: number): Promise<HeapSample> {
  const { body } = await request(`${adminUrl}/metrics`, { reset: true });
  const [, bytes = '0'] = /^nodejs_heap_size_used_bytes (\S+)$/m.exec(await body.text()) ?? [];
  return { at, heapMiB: Number(bytes) / 1_048_576 };
}

/** The least of each minute: garbage comes and goes, what leaks stays. */
export function floors(samples: readonly HeapSample[]): HeapSample[] {
  const least = new Map<number, HeapSample>();
  for (const one of samples) {
    const minute = Math.floor(one.at);
    const known = least.get(minute);
    if (known === undefined || one.heapMiB < known.heapMiB) least.set(minute, one);
  }
  return [...least.values()];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function slope(xs: readonly number[], ys: readonly number[]): number {
  const mean = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / Math.max(all.length, 1);
  const [x, y] = [mean(xs), mean(ys)];
  const above = xs.reduce((sum, one, i) => sum + (one - x) * ((ys[i] as number) - y), 0);
  const below = xs.reduce((sum, one) => sum + (one - x) ** 2, 0);
  return below === 0 ? 0 : above / below;
}

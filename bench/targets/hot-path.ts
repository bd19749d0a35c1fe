import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Target } from '../results.ts';
import type { Options } from './options.ts';

/** What the process behind it measures: CPU time of a call in ns, medians. */
export interface HotPath {
  readonly acquireNs: number;
  /** Whether each call gave a token and none a promise. */
  readonly isSync: boolean;
  readonly matchNs: number;
  readonly routes: number;
}

const budgetNs = 1_000;

/** The two steps that every request takes, called by themselves in a process of their own. */
export async function hotPath({ source, quick, signal }: Options): Promise<Target[]> {
  const args = [
    join(import.meta.dirname, 'hot-path-process.ts'),
    source ? 'src' : 'dist',
    quick ? '3' : '15',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, { signal });
  const seen = JSON.parse(stdout) as HotPath;
  const given = seen.isSync ? 'never a promise' : 'a promise at times';
  return [
    {
      name: 'acquire() of a fresh token',
      budget: '≤ 1 µs, no promise',
      measured: `${seen.acquireNs.toFixed(0)} ns, ${given}`,
      met: seen.acquireNs <= budgetNs && seen.isSync,
    },
    {
      name: `route match with ${seen.routes.toLocaleString('en')} routes`,
      budget: '≤ 1 µs',
      measured: `${seen.matchNs.toFixed(0)} ns`,
      met: seen.matchNs <= budgetNs,
    },
  ];
}

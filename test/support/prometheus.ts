import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether there is a Prometheus to test with. Where tests run for others to rely on, there has to be. */
export function prometheusIsMissing(): boolean {
  try {
    for (const name of ['prometheus', 'promtool']) execFileSync(name, ['--version'], { stdio: 'pipe' });
    return false;
  } catch (error) {
    if (process.env.CI) throw error;
    process.stderr.write('prometheus or promtool is not installed: the tests with it are skipped\n');
    return true;
  }
}

export interface PromSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A real Prometheus that scrapes every second. */
export interface Prometheus {
  /** What an expression gives now. Rejects when it cannot be parsed. */
  query(expression: string): Promise<PromSample[]>;
  /** Of each target: whether the last scrape succeeded, and why not. */
  targets(): Promise<Target[]>;
  /** The alerts that are pending or firing. */
  alerts(): Promise<Alert[]>;
  close(): Promise<void>;
}

interface Target {
  readonly health: string;
  readonly lastError: string;
}

interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
}

interface Vector {
  readonly metric: PromSample['metric'];
  /** When, and the value. */
  readonly value: readonly [number, string];
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

/** Starts one that scrapes `host:port` as the job `cupbearer`, with these rule files. Resolves when it can be asked. */
export async function startPrometheus(target: string, ruleFiles: readonly string[]): Promise<Prometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'cupbearer-prometheus-'));
  const file = join(dir, 'prometheus.yaml');
  writeFileSync(
    file,
    `
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: ${JSON.stringify(ruleFiles)}
scrape_configs: [{ job_name: cupbearer, static_configs: [{ targets: ["${target}"] }] }]
`,
  );
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--log.format=json',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(child, 'exit');
  let output = '';
  const address = new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      output += chunk;
      const [, at] = /"address":"(127\.0\.0\.1:[1-9]\d*)"/.exec(output) ?? [];
      if (at !== undefined && output.includes('Server is ready')) resolve(at);
    });
    ended.then(() => reject(new Error(`prometheus ended: ${output}`)), reject);
  });
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(dir, { recursive: true });
  };
  const at = await address.catch(async (error) => {
    await close();
    throw error;
  });
  const get = async <T>(path: string): Promise<T> => {
    const answer = (await (await fetch(`http://${at}/api/v1/${path}`)).json()) as Answer<T>;
    if (answer.status !== 'success') throw new Error(answer.error);
    return answer.data;
  };
  return {
    async query(expression) {
      const { result } = await get<{ result: Vector[] }>(`query?query=${encodeURIComponent(expression)}`);
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    targets: async () => (await get<{ activeTargets: Target[] }>('targets')).activeTargets,
    alerts: async () => (await get<{ alerts: Alert[] }>('alerts')).alerts,
    close,
  };
}

/** Runs promtool and gives what it wrote and its exit code. */
export function promtool(
  args: readonly string[],
  input = '',
): { readonly code: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { code: status, text: `${stdout}${stderr}` };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A `cupbearer serve` in a process of its own. */
export interface Child {
  readonly pid: number;
  readonly port: number;
  /** Where its admin listener answers. */
  readonly adminUrl: string;
  /** Lines of its log that say that something went wrong inside, at most ten. */
  readonly faults: readonly string[];
  /** Why it has ended by itself, if it has. */
  readonly ended: string | undefined;
  /** How often it has taken up another configuration. */
  readonly reloads: number;
  /** Puts another configuration into its file. */
  configure(yaml: string): void;
  /** Sends SIGTERM and resolves to the exit code, or the signal that ended it. */
  stop(): Promise<number | string>;
}

const main = join(import.meta.dirname, '../../src/main.ts');
const maxFaults = 10;

/** Starts it on a configuration text. Rejects when it ends before it listens. */
export async function startChild(yaml: string): Promise<Child> {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-soak-'));
  const file = join(directory, 'routes.yaml');
  const configure = (text: string) => {
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  configure(yaml);
  const child = spawn(process.execPath, [main, 'serve', '--config', file, '--log-format', 'json'], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const faults: string[] = [];
  let ended: string | undefined;
  let rest = '';
  let reloads = 0;
  let isStopping = false;
  const note = (line: string) => {
    if (faults.length < maxFaults) faults.push(line);
  };
  child.stderr.on('data', (text) => note(String(text).trimEnd()));
  const listening = await new Promise<{ url: string; admin: string }>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.includes('"level":"error"') || line.includes('"error":"internal"')) note(line);
        if (line.includes('"msg":"configuration taken up"')) reloads++;
        if (line.includes('"msg":"listening"')) resolve(JSON.parse(line));
      }
    });
    void closed.then(([code, signal]) => {
      if (!isStopping) ended = `it ended by itself: ${code ?? signal}`;
      rmSync(directory, { recursive: true });
      reject(new Error(`serve ended: ${faults.join('\n')}`));
    });
  });
  return {
    pid: child.pid as number,
    port: Number(new URL(listening.url).port),
    adminUrl: listening.admin,
    faults,
    get ended() {
      return ended;
    },
    get reloads() {
      return reloads;
    },
    configure,
    async stop() {
      isStopping = true;
      child.kill('SIGTERM');
      const [code, signal] = await closed;
      return code ?? signal;
    },
  };
}

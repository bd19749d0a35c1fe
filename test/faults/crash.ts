import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { RotatingServer } from '../support/rotating-server.ts';

/** What one process is to do. */
export interface CrashOrder {
  readonly file: string;
  readonly key: string;
  readonly tokenUrl: string;
  readonly apiUrl: string;
  readonly client: { readonly id: string; readonly secret: string };
  readonly seed: string;
  /** The step it dies at, 1-based; 0: none. */
  readonly dieAt: number;
}

/** What a process that lived to its end says. */
export interface CrashReport {
  /** What the API answered to each token. */
  readonly statuses: readonly number[];
  readonly steps: number;
}

export type CrashEnd =
  | { readonly killed: true; readonly step: string }
  | { readonly killed: false; readonly report: CrashReport };

const child = join(import.meta.dirname, 'crash-child.ts');

/** One session and the processes that live off it, one after the other. */
export class Lane {
  readonly #server: RotatingServer;
  readonly #order: Omit<CrashOrder, 'dieAt'>;

  constructor(server: RotatingServer, directory: string) {
    const { tokenUrl, apiUrl, client } = server;
    this.#server = server;
    const file = join(directory, `${randomBytes(6).toString('hex')}.db`);
    const key = randomBytes(32).toString('base64');
    this.#order = { file, key, tokenUrl, apiUrl, client, seed: server.begin() };
  }

  /** Lets one process live, to the given step or to its end. Rejects when it ends otherwise. */
  run(dieAt = 0): Promise<CrashEnd> {
    const order = JSON.stringify({ ...this.#order, dieAt });
    return new Promise((resolve, reject) => {
      const process = spawn(globalThis.process.execPath, [child, order], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      let err = '';
      process.stdout.on('data', (chunk) => {
        out += chunk;
      });
      process.stderr.on('data', (chunk) => {
        err += chunk;
      });
      process.on('error', reject);
      process.on('close', (code, signal) => {
        if (signal === 'SIGKILL') resolve({ killed: true, step: err.trim() });
        else if (code === 0) resolve({ killed: false, report: JSON.parse(out) as CrashReport });
        else reject(new Error(`the process failed with ${code ?? signal}: ${err}`));
      });
    });
  }

  get server(): RotatingServer {
    return this.#server;
  }
}

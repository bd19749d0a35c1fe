import { join } from 'node:path';
import { startAnswerer } from './asking.ts';

/** What the callers send: each connection sends the next request as soon as the last is answered. */
export interface Load {
  /** A whole request; `{i}` stands for a number from `first` to `first + count - 1`, in turn. */
  readonly request: string;
  readonly first?: number;
  readonly count?: number;
  /** When no more requests are sent; each connection sends at least one. */
  readonly ms?: number;
  /** How many requests are sent. */
  readonly requests?: number;
}

/** What the callers saw. */
export interface Seen {
  readonly answers: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Connections that ended before the answer. */
  readonly broken: number;
  /** From the first request to the end of the last answer. */
  readonly ms: number;
  readonly bodyBytes: number;
}

/** What their process is asked. */
export type CallersQuestion =
  | { readonly do: 'open'; readonly port: number; readonly connections: number }
  | { readonly do: 'run'; readonly load: Load }
  | { readonly do: 'close' };

/** Callers with keep-alive connections, in a process of their own. */
export interface Callers {
  /** Opens the connections, after closing those that are open. Rejects when one cannot be opened. */
  open(port: number, connections: number): Promise<void>;
  /** Resolves when the last answer is there. */
  run(load: Load): Promise<Seen>;
  close(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the process; `signal` kills it. */
export function startCallers(signal: AbortSignal): Callers {
  const file = join(import.meta.dirname, 'callers-process.ts');
  const { ask, stop } = startAnswerer<CallersQuestion, Seen | { failed?: string }>(file, {}, signal);
  const checked = async (question: CallersQuestion) => {
    const answer = await ask(question);
    if ('failed' in answer && answer.failed !== undefined) throw new Error(`callers: ${answer.failed}`);
    return answer;
  };
  return {
    async open(port, connections) {
      await checked({ do: 'open', port, connections });
    },
    run: async (load) => (await checked({ do: 'run', load })) as Seen,
    async close() {
      await checked({ do: 'close' });
    },
    stop,
  };
}

/** A GET of `path` as the callers send it; further fields as whole lines. */
export function get(path: string, ...lines: readonly string[]): string {
  const fields = ['Host: 127.0.0.1', 'Accept: application/json', 'User-Agent: bench', ...lines];
  return `GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`;
}

/** How many answers were not 200, and connections that broke. */
export function failures({ answers, statuses, broken }: Seen): number {
  return answers - (statuses[200] ?? 0) + broken;
}

/** The statuses as words: `200: 1000, 401: 3`. */
export function statusesOf({ statuses, broken }: Seen): string {
  const words = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
  return [...words, ...(broken > 0 ? [`broken: ${broken}`] : [])].join(', ');
}

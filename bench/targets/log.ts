import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** What the log of a run says. */
export interface LogFacts {
  readonly exchanges: number;
  /** Exchanges that waited for the first token, and for a later one. */
  readonly waitedFirst: number;
  readonly waitedLater: number;
  /** Exchanges that got their answer with a second token. */
  readonly recovered: number;
  /** Exchanges on a route that were answered by an error of our own. */
  readonly errors: number;
  /** Tokens that were fetched, by reason. */
  readonly fetched: Readonly<Record<string, number>>;
}

interface Line {
  readonly time: string;
  readonly ms: number;
  readonly reason?: string;
}

/** Times in the log are whole milliseconds. */
const slackMs = 2;

/** Reads the log of a Cupbearer that has one credential, or whose tokens were all there before the load. */
export async function readLog(file: string): Promise<LogFacts> {
  let [exchanges, waitedFirst, waitedLater, recovered, errors] = [0, 0, 0, 0, 0];
  const fetched: Record<string, number> = {};
  let firstToken = Infinity;
  for await (const text of createInterface({ input: createReadStream(file) })) {
    if (text.includes('"msg":"token fetched"')) {
      const { time, reason = '' } = JSON.parse(text) as Line;
      fetched[reason] = (fetched[reason] ?? 0) + 1;
      firstToken = Math.min(firstToken, Date.parse(time));
    }
    if (!text.endsWith('"msg":"exchange"}')) continue;
    exchanges++;
    if (text.includes('"retry":"recovered"')) recovered++;
    if (text.includes('"route":') && text.includes('"error":')) errors++;
    if (!text.includes('"token":"waited"')) continue;
    const { time, ms } = JSON.parse(text) as Line;
    if (Date.parse(time) - ms <= firstToken + slackMs) waitedFirst++;
    else waitedLater++;
  }
  return { exchanges, waitedFirst, waitedLater, recovered, errors, fetched };
}

/** `soft 78, cold 1` */
export function reasonsOf({ fetched }: LogFacts): string {
  return Object.entries(fetched)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
}

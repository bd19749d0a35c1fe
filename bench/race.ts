import { mkdirSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { type Child, freePort, startChild, usageOf } from './child.ts';
import type { Contender } from './contenders.ts';
import type { LoadGenerator } from './load.ts';
import { answerBytes, bearer, fields, target } from './setting.ts';
import type { Sample } from './table.ts';

/** How long and how often. */
export interface Race {
  readonly contenders: readonly Contender[];
  readonly load: LoadGenerator;
  readonly rounds: number;
  readonly seconds: number;
  /** Seconds of load before each measurement. */
  readonly warm: number;
  readonly connections: number;
  /** Empty; configurations and logs of the contenders go there. */
  readonly directory: string;
  /** Kills every child that is left. */
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

interface Starter {
  readonly contender: Contender;
  readonly child: Child;
}

/** Starts all contenders, lets them take turns, stops them. Rejects when one does not inject the token or fails under load. */
export async function race(options: Race): Promise<Sample[]> {
  const starters: Starter[] = [];
  const upstream = await startUpstream(options);
  try {
    for (const contender of options.contenders) {
      starters.push({ contender, child: await startContender(contender, upstream, options) });
    }
    const samples: Sample[] = [];
    for (let round = 1; round <= options.rounds; round++) {
      for (const starter of starters) samples.push(await turn(starter, round, options));
    }
    return samples;
  } finally {
    for (const { child } of starters) if (child !== upstream) await child.stop();
    await upstream.stop();
  }
}

async function startUpstream({ directory, signal }: Race): Promise<Child> {
  const port = await freePort();
  const program = {
    command: process.execPath,
    args: [join(import.meta.dirname, 'upstream.ts')],
    env: { BENCH_PORT: String(port) },
  };
  return startChild(program, {
    port,
    logFile: join(directory, 'upstream.log'),
    probe: answers(true),
    signal,
  });
}

async function startContender(
  { name, program }: Contender,
  upstream: Child,
  { directory, signal }: Race,
): Promise<Child> {
  if (program === undefined) return upstream;
  const port = await freePort();
  const own = join(directory, `on-${port}`);
  mkdirSync(own);
  const started = program({ port, upstreamPort: upstream.port, directory: own });
  return named(name, () =>
    startChild(started, { port, logFile: join(own, 'output.log'), probe: answers(false), signal }),
  );
}

async function turn({ contender, child }: Starter, round: number, options: Race): Promise<Sample> {
  const { load, warm, seconds, connections, progress } = options;
  const authorized = contender.program === undefined;
  const target = { port: child.port, connections, authorized };
  return named(`${contender.name}, round ${round}`, async () => {
    await load.run({ ...target, seconds: warm });
    const before = usageOf(child.pid);
    const seen = await load.run({ ...target, seconds });
    const after = usageOf(child.pid);
    const common = { contender: contender.name, round, ...seen };
    if (authorized) {
      progress(`round ${round}: ${contender.name}: ${seen.perSecond.toFixed(0)} requests/s`);
      return { ...common, cpuMicros: undefined, rssBytes: undefined };
    }
    const cpuMicros = (after.cpuMicros - before.cpuMicros) / seen.requests;
    const cost = `${cpuMicros.toFixed(1)} µs, ${seen.perSecond.toFixed(0)} requests/s`;
    progress(`round ${round}: ${contender.name}: ${cost}`);
    return { ...common, cpuMicros, rssBytes: after.rssBytes };
  });
}

/** Whether one request gets the full answer; that proves the injected field too. */
function answers(authorized: boolean): (port: number) => Promise<boolean> {
  const headers = authorized ? { ...fields, Authorization: bearer } : fields;
  return (port) =>
    new Promise((resolve) => {
      const request = get({ port, host: '127.0.0.1', path: target, headers, agent: false }, (response) => {
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
        });
        response.on('close', () => resolve(response.statusCode === 200 && size === answerBytes));
      });
      request.on('error', () => resolve(false));
    });
}

async function named<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

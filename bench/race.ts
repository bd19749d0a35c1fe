import { type Child, usageOf } from './child.ts';
import type { Contender } from './contenders.ts';
import type { Sample } from './figures.ts';
import type { LoadGenerator } from './load.ts';
import { type Ground, proveVerifying, startContender, startUpstream, type Upstream } from './starting.ts';

const compileSeconds = 3;

/** A scenario to run, and with what. */
export interface Race extends Ground {
  readonly contenders: readonly Contender[];
  readonly load: LoadGenerator;
  readonly progress: (line: string) => void;
}

/** What a race gives. */
export interface Outcome {
  readonly samples: readonly Sample[];
  /** Who failed, and why; a line each. */
  readonly leftOut: readonly string[];
}

/**
 * Starts all contenders, lets them take turns, stops them. One that does not inject the token, fails under load or trusts
 * any certificate is left out. Rejects when it is an essential one.
 */
export async function race(options: Race): Promise<Outcome> {
  const { scenario, contenders, signal, progress } = options;
  const upstreams: Upstream[] = [];
  const running = new Map<Contender, Child>();
  const samples: Sample[] = [];
  const leftOut: string[] = [];
  const leaveOut = async (contender: Contender, error: unknown) => {
    const why = `${contender.name}: ${error instanceof Error ? error.message : error}`;
    if (contender.essential || signal.aborted) throw new Error(why, { cause: error });
    progress(`left out: ${why}`);
    leftOut.push(why.replace(/:?\n.*/s, ''));
    const child = running.get(contender);
    running.delete(contender);
    await child?.stop();
  };
  try {
    const upstream = await startUpstream('upstream', options);
    upstreams.push(upstream);
    const stranger = scenario.tls ? await startUpstream('stranger', options) : undefined;
    if (stranger !== undefined) upstreams.push(stranger);
    for (const contender of contenders) {
      try {
        running.set(contender, await startContender(contender, upstream, options));
        if (stranger !== undefined) await proveVerifying(contender, upstream, stranger, options);
      } catch (error) {
        await leaveOut(contender, error);
      }
    }
    for (let round = 0; round <= scenario.rounds; round++) {
      for (const [contender, child] of running) {
        try {
          if (round === 0) await compiled(contender, child, options);
          else samples.push(await turn(contender, child, round, options));
        } catch (error) {
          await leaveOut(contender, error);
        }
      }
    }
    const stayed = new Set(running.keys().map(({ name }) => name));
    return { samples: samples.filter(({ contender }) => stayed.has(contender)), leftOut };
  } finally {
    const children = [...running.values(), ...upstreams.map(({ child }) => child)];
    for (const child of new Set(children)) await child.stop();
  }
}

/** So much load that V8 has compiled what is hot: who is measured first would else look dear. */
async function compiled(contender: Contender, child: Child, options: Race): Promise<void> {
  if (options.scenario.warm > 0)
    await options.load.run({ ...offered(contender, child, options), seconds: compileSeconds });
}

function offered(contender: Contender, child: Child, { scenario, directory, signal }: Race) {
  const { connections, exchange } = scenario;
  const authorized = contender.program === undefined;
  return { port: child.port, connections, authorized, exchange, directory, signal };
}

async function turn(contender: Contender, child: Child, round: number, options: Race): Promise<Sample> {
  const { scenario, load, progress } = options;
  const { warm, seconds } = scenario;
  const asked = offered(contender, child, options);
  if (warm > 0) await load.run({ ...asked, seconds: warm });
  const before = usageOf(child.pid);
  const seen = await load.run({ ...asked, seconds });
  const after = usageOf(child.pid);
  const common = { contender: contender.name, round, ...seen };
  const line = `${scenario.name}, round ${round}: ${contender.name}: ${seen.perSecond.toFixed(0)} requests/s`;
  if (asked.authorized) {
    progress(line);
    return { ...common, cpuMicros: undefined, rssBytes: undefined };
  }
  const cpuMicros = (after.cpuMicros - before.cpuMicros) / seen.requests;
  progress(`${line}, ${cpuMicros.toFixed(1)} µs`);
  return { ...common, cpuMicros, rssBytes: after.rssBytes };
}

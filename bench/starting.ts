import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Identity, makeIdentity } from './certificate.ts';
import { type Child, freePort, startChild } from './child.ts';
import type { Contender } from './contenders.ts';
import type { Place } from './place.ts';
import { answers, ask } from './probe.ts';
import type { Scenario } from './scenarios.ts';

/** What every process of a scenario is started with. */
export interface Ground {
  readonly scenario: Scenario;
  /** Empty; configurations and logs go there. */
  readonly directory: string;
  /** Whether Cupbearer runs from `src/`, which needs no build, instead of `dist/`. */
  readonly source: boolean;
  /** Kills every child that is left. */
  readonly signal: AbortSignal;
}

/** A server behind the contenders; when it speaks TLS, with an authority of its own. */
export interface Upstream {
  readonly child: Child;
  readonly identity: Identity | undefined;
}

/** Reading 10,000 routes takes its time. */
const startMs = 30_000;

/** Starts an upstream. Rejects when it does not answer in time. */
export async function startUpstream(name: string, ground: Ground): Promise<Upstream> {
  const { scenario, directory, signal } = ground;
  const port = await freePort();
  const identity = scenario.tls ? makeIdentity(join(directory, `${name}-identity`)) : undefined;
  const program = {
    command: process.execPath,
    args: [join(import.meta.dirname, 'upstream.ts')],
    env: {
      BENCH_PORT: String(port),
      BENCH_EXCHANGE: JSON.stringify(scenario.exchange),
      ...(identity === undefined ? {} : { BENCH_CERT: identity.certFile, BENCH_KEY: identity.keyFile }),
    },
  };
  const probe = answers({ exchange: scenario.exchange, authorized: true, ca: identity?.ca });
  const child = await startChild(program, { port, logFile: join(directory, `${name}.log`), probe, signal });
  return { child, identity };
}

/** Starts a contender in front of `upstream`. Rejects when it does not give the full answer in time. */
export async function startContender(
  { program }: Contender,
  upstream: Upstream,
  ground: Ground,
): Promise<Child> {
  if (program === undefined) return upstream.child;
  const place = await placeBefore(upstream, upstream, ground);
  const probe = answers({ exchange: ground.scenario.exchange, authorized: false });
  const logFile = join(place.directory, 'output.log');
  return startChild(program(place), { ...place, logFile, probe, signal: ground.signal, startMs });
}

/**
 * Lets a contender that trusts `upstream` face `stranger`, for whom an authority vouches that the contender does not know.
 * Rejects unless it answers with an error of the gateway, having got its token from `upstream`.
 */
export async function proveVerifying(
  { program }: Contender,
  upstream: Upstream,
  stranger: Upstream,
  ground: Ground,
): Promise<void> {
  if (program === undefined) return;
  const place = await placeBefore(stranger, upstream, ground);
  let status = 0;
  const probe = async (port: number) => {
    status = (await ask(port, { exchange: ground.scenario.exchange, authorized: false }))?.status ?? 0;
    return status === 200 || status >= 500;
  };
  const logFile = join(place.directory, 'output.log');
  const child = await startChild(program(place), { ...place, logFile, probe, signal: ground.signal });
  await child.stop();
  if (status === 200) throw new Error('does not verify the certificate of the upstream');
}

async function placeBefore(
  upstream: Upstream,
  known: Upstream,
  { directory, source }: Ground,
): Promise<Place> {
  const port = await freePort();
  const own = join(directory, `on-${port}`);
  mkdirSync(own);
  const ports = { port, upstreamPort: upstream.child.port, tokenPort: known.child.port };
  return { ...ports, directory: own, source, ca: known.identity?.ca };
}

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { ConfigStatus } from '../admin/instance-status.ts';
import type { Config } from '../config/config.ts';
import type { Address } from '../config/schema-types.ts';
import type { Log } from '../telemetry/log.ts';
import { type Clock, systemClock } from '../token/clock.ts';
import type { NoteSecret } from '../token/live-secrets.ts';
import type { Begin, Reload, Reread } from '../workers/control-messages.ts';
import { followEpochs } from '../workers/epochs.ts';
import { createSupervisor } from '../workers/supervisor.ts';
import { createTokenDesk, type TokenDesk } from '../workers/token-desk.ts';
import { workerProcesses } from '../workers/worker-process.ts';
import { startControl } from './control.ts';
import { viaName } from './proxy.ts';
import { awake, type Serving } from './start.ts';
import type { Tracing } from './tracing.ts';
import { createWorkerFigures } from './worker-figures.ts';

export interface StartWorkersOptions extends Pick<Begin, 'text' | 'file' | 'env' | 'logging'> {
  readonly log: Log;
  readonly clock?: Clock;
  readonly note: NoteSecret;
  /** What became of the configuration file. */
  readonly configStatus: () => ConfigStatus;
  /** Records token requests. */
  readonly tracing?: Tracing | undefined;
}

/** What a stop takes beyond server.shutdown_grace before workers are killed, ms. */
const marginMs = 5_000;

/**
 * Serves with server.workers processes: they proxy; this one has the sessions, the tokens and the admin listener, and
 * keeps them up. Rejects when the store cannot be opened or a listener cannot bind.
 */
export async function startWorkers(config: Config, options: StartWorkersOptions): Promise<Serving> {
  const { log, clock = systemClock, note, file, env, logging, configStatus, tracing } = options;
  const { server } = config;
  let inForce = { text: options.text, epoch: 0, graceMs: server.shutdown_grace };
  const figures = createWorkerFigures(config.routes.map(({ prefix }) => prefix));
  const epochs = followEpochs((epoch) => {
    control.registry.release(epoch).catch(control.failed);
  });
  let desk: TokenDesk | undefined;
  const fork = workerProcesses(process.argv[1] as string, ['worker'], log.relay);
  const via = viaName(clock);
  let port: number | undefined;
  const supervisor = createSupervisor({
    count: server.workers,
    clock,
    log,
    fork,
    begin(): Begin {
      const { text, epoch } = inForce;
      return { kind: 'begin', text, epoch, file, env, logging, via, port };
    },
    attach(channel) {
      const ends = [desk?.serve(channel), figures.follow(channel), epochs.follow(channel, inForce.epoch)];
      return () => {
        for (const end of ends) end?.();
      };
    },
    stopMs: () => inForce.graceMs + marginMs,
  });
  const control = await startControl({
    config,
    log,
    clock,
    note,
    changed: (...change) => desk?.changed(...change),
    serving: () => supervisor.serving,
    counts: figures.totals.read,
    usage: figures.usage,
    configStatus,
    traced: tracing?.events,
    workers: supervisor.view,
  });
  desk = createTokenDesk(control.registry, clock);
  const closeAll = () =>
    awake(async () => {
      control.drain();
      await supervisor.stop();
      await control.close();
    });
  let url: string;
  try {
    // We bind for them: nobody else may connect before the first worker has restricted the socket file.
    if (server.listen.kind === 'unix') process.umask(process.umask() | 0o077);
    else if (server.listen.port === 0) port = await freePort(server.listen);
    url = await supervisor.start();
    await control.listen();
  } catch (error) {
    await closeAll();
    throw error;
  }
  control.registry.start();
  let stopping: Promise<void> | undefined;
  return {
    url,
    adminUrl: control.adminUrl,
    rereadSecrets() {
      control.registry.rereadSecrets();
      const message: Reread = { kind: 'reread' };
      supervisor.tell(message);
    },
    adopt({ config: next, credentials: { added, changed } }, text) {
      const credentials = control.registry.prepare(next);
      const { epoch } = credentials;
      credentials.adopt();
      control.adopt(next);
      figures.totals.adopt(next.routes.map(({ prefix }) => prefix));
      inForce = { text, epoch, graceMs: next.server.shutdown_grace };
      const message: Reload = { kind: 'reload', text, epoch, changed: [...added, ...changed] };
      supervisor.tell(message);
    },
    cut: () => awake(supervisor.cut),
    stop() {
      stopping ??= closeAll();
      return stopping;
    },
  };
}

/** What the system chooses for port 0, once: each worker, whenever it starts, has to ask for the same. */
async function freePort({ host }: Extract<Address, { kind: 'tcp' }>): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

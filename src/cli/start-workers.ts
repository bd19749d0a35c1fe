import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Config } from '../config/config.ts';
import type { Address } from '../config/schema-types.ts';
import { type CountsDelta, createTotals } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import { type Clock, systemClock } from '../token/clock.ts';
import type { NoteSecret } from '../token/live-secrets.ts';
import type { Channel } from '../workers/channel.ts';
import type { Alive, Begin, Reread } from '../workers/control-messages.ts';
import { createSupervisor } from '../workers/supervisor.ts';
import { createTokenDesk, type TokenDesk } from '../workers/token-desk.ts';
import { workerProcesses } from '../workers/worker-process.ts';
import { startControl } from './control.ts';
import { viaName } from './proxy.ts';
import { awake, type Serving } from './start.ts';

export interface StartWorkersOptions extends Pick<Begin, 'text' | 'file' | 'env' | 'level' | 'pretty'> {
  readonly log: Log;
  readonly clock?: Clock;
  readonly note: NoteSecret;
}

/** What a stop takes beyond server.shutdown_grace before workers are killed, ms. */
const marginMs = 5_000;

/**
 * Serves with server.workers processes: they proxy; this one has the sessions, the tokens and the admin listener, and
 * keeps them up. Rejects when the store cannot be opened or a listener cannot bind.
 */
export async function startWorkers(config: Config, options: StartWorkersOptions): Promise<Serving> {
  const { log, clock = systemClock, note, text, file, env, level, pretty } = options;
  const { server } = config;
  const totals = createTotals(config.routes.map(({ prefix }) => prefix));
  let desk: TokenDesk | undefined;
  const fork = workerProcesses(process.argv[1] as string, ['worker'], log.relay);
  const via = viaName(clock);
  let port: number | undefined;
  const count = (channel: Channel) =>
    channel.listen((message) => {
      if (message.kind === 'alive') totals.add((message as Alive<CountsDelta>).counts);
    });
  const supervisor = createSupervisor({
    count: server.workers,
    clock,
    log,
    fork,
    begin: (): Begin => ({ kind: 'begin', text, file, env, level, pretty, via, port }),
    attach(channel) {
      const leave = desk?.serve(channel);
      const ignore = count(channel);
      return () => {
        leave?.();
        ignore();
      };
    },
    stopMs: server.shutdown_grace + marginMs,
  });
  const control = await startControl({
    config,
    log,
    clock,
    note,
    changed: (subject, token) => desk?.changed(subject, token),
    serving: () => supervisor.serving,
    counts: totals.read,
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

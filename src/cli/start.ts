import type { ConfigStatus } from '../admin/instance-status.ts';
import type { Config } from '../config/config.ts';
import type { Succession } from '../config/succession.ts';
import { createCounters } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import { type Clock, systemClock } from '../token/clock.ts';
import type { NoteSecret } from '../token/live-secrets.ts';
import type { Registry } from '../token/registry.ts';
import { startControl } from './control.ts';
import { exchangeLog } from './exchange-log.ts';
import { type ProxyServer, startProxy, type Usage, viaName } from './proxy.ts';
import type { Tracing } from './tracing.ts';

/** What serves, in one process or several. */
export interface Serving {
  /** Where callers connect: `http://host:port`, `https://host:port` or `unix:/path`. */
  readonly url: string;
  readonly adminUrl: string | undefined;
  /** Reads every secret again now: those of credentials, the keys of callers, the certificate of the listener. */
  rereadSecrets(): void;
  /**
   * Puts a configuration in force in place of the one before, whole or not at all. Exchanges in progress end by the one
   * they began with; credentials that are the same objects keep their tokens. Throws when a TLS file cannot be read.
   */
  adopt(to: Succession, text: string): void;
  /** Stops accepting, drains within server.shutdown_grace, closes everything. Safe to call twice. */
  stop(): Promise<void>;
  /** Ends the other processes at once, so that nothing they have logged is lost; absent without any. Never rejects. */
  cut?(): Promise<void>;
}

/** A running Cupbearer. */
export interface Running extends Serving {
  readonly registry: Registry;
  /** What is held at this moment. */
  usage(): Promise<Usage>;
}

export interface StartOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** Is told every secret that comes into use, before anything can be logged of it. */
  readonly note?: NoteSecret;
  /** Records and exports traces. */
  readonly tracing?: Tracing | undefined;
  /** The share of ordinary exchanges that are logged, 0 to 1; default: all. */
  readonly sampleRate?: number;
  /** What became of the configuration file. */
  readonly configStatus?: () => ConfigStatus;
}

/**
 * The composition root: everything that serves, made from a validated configuration, in this process alone. Rejects when
 * the store cannot be opened or a listener cannot bind.
 */
export async function start(config: Config, options: StartOptions): Promise<Running> {
  const { log, clock = systemClock, note, configStatus, tracing, sampleRate } = options;
  const counters = createCounters(config.routes.map(({ prefix }) => prefix));
  let proxy: ProxyServer | undefined;
  const control = await startControl({
    config,
    log,
    clock,
    note,
    counts: counters.read,
    usage: () => proxy?.usage(),
    configStatus,
    traced: tracing?.events,
  });
  const closeAll = () =>
    awake(async () => {
      control.drain();
      await proxy?.stop();
      await control.close();
    });
  try {
    proxy = await startProxy({
      config,
      tokens: control.registry,
      log,
      clock,
      via: viaName(clock),
      tracing,
      onEnd: exchangeLog(log, clock, counters, { sampleRate, ended: tracing?.ended }),
    });
    await control.listen();
  } catch (error) {
    await closeAll();
    throw error;
  }
  const { url, usage, reread, prepare } = proxy;
  control.registry.start();
  let stopping: Promise<void> | undefined;
  return {
    url,
    adminUrl: control.adminUrl,
    registry: control.registry,
    usage,
    rereadSecrets() {
      control.registry.rereadSecrets();
      reread();
    },
    adopt({ config: next }) {
      const credentials = control.registry.prepare(next);
      const rules = prepare(next, credentials);
      credentials.adopt();
      control.adopt(next);
      counters.adopt(next.routes.map(({ prefix }) => prefix));
      const released = rules.adopt().then(() => control.registry.release(credentials.epoch));
      released.catch(control.failed);
    },
    stop() {
      stopping ??= closeAll();
      return stopping;
    },
  };
}

/** Keeps the process up meanwhile: the clock's timers let it end, what must still be stored does not. */
export async function awake<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 60_000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

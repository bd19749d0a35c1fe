import { CupbearerError } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { Clock } from '../token/clock.ts';
import { every } from '../token/every.ts';
import type { Channel, Message } from './channel.ts';
import type { Cut, Failed, Listening, Stop } from './control-messages.ts';
import { restartDelay } from './restart.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface SupervisorInit {
  /** How many workers there are to be. */
  readonly count: number;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn' | 'error'>;
  /** Starts a process. */
  readonly fork: () => WorkerProcess;
  /** What a worker is sent that says hello. */
  readonly begin: () => Message;
  /** A worker is there: answers its messages; gives what is done once it is gone. */
  readonly attach: (channel: Channel) => () => void;
  /** How long a stop may take before workers are killed, ms. */
  readonly stopMs: () => number;
}

/** The workers of a parent, as an operator sees them. */
export interface WorkerView {
  readonly pid: number;
  readonly state: 'starting' | 'serving' | 'stopping';
  readonly uptimeMs: number;
  /** How often one had to be started in the place of one that ended. */
  readonly restarts: number;
}

/** Keeps workers up. */
export interface Supervisor {
  /**
   * Starts the first worker, and the others once it listens. Resolves to the address that all of them listen on; rejects
   * with the reason of a worker that cannot serve.
   */
  start(): Promise<string>;
  /** Whether a worker can be called. */
  readonly serving: boolean;
  view(): WorkerView[];
  /** Sends a message to every worker. */
  tell(message: Message): void;
  /** Lets every worker drain and end. Resolves when all have ended; those that take too long are killed. */
  stop(): Promise<void>;
  /** Lets every worker end at once. Resolves when all have ended, soon. */
  cut(): Promise<void>;
}

interface Place {
  process: WorkerProcess;
  state: WorkerView['state'];
  startedAt: number;
  heardAt: number;
  restarts: number;
  /** Starts in a row that did not last. */
  streak: number;
  /** Why it said that it cannot serve. */
  failure: string | undefined;
  /** How its process ended; undefined while it runs. */
  ended: string | undefined;
}

const checkMs = 5_000;
/** A worker that says nothing for so long hangs. */
const silentMs = 30_000;
/** How long a worker may take to end at once, ms. */
const cutMs = 1_000;

export function createSupervisor(init: SupervisorInit): Supervisor {
  const { count, clock, log, fork, begin, attach, stopMs } = init;
  const places: Place[] = [];
  let stopping: Promise<void> | undefined;
  let isStarting = true;

  /** Runs a process in a place. Settles when it listens, or has ended before. */
  function run(place: Place, process: WorkerProcess): Promise<string> {
    Object.assign(place, {
      process,
      state: 'starting',
      startedAt: clock.mono(),
      failure: undefined,
      ended: undefined,
    });
    place.heardAt = place.startedAt;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const { channel } = process;
    const detach = attach(channel);
    channel.listen((message) => {
      place.heardAt = clock.mono();
      if (message.kind === 'hello') channel.send(begin());
      else if (message.kind === 'failed') place.failure = (message as Failed).message;
      else if (message.kind === 'listening') {
        if (place.state === 'starting') place.state = 'serving';
        resolve((message as Listening).url);
      }
    });
    void process.ended.then((how) => {
      detach();
      place.ended = how;
      reject(new CupbearerError('internal', place.failure ?? `a worker ended at its start (${how})`));
      if (stopping !== undefined) place.state = 'stopping';
      else if (!isStarting) restart(place, how);
    });
    promise.catch(() => undefined);
    return promise;
  }

  function restart(place: Place, how: string): void {
    const livedMs = clock.mono() - place.startedAt;
    place.state = 'starting';
    place.restarts++;
    const { delayMs, streak } = restartDelay(place.streak, livedMs);
    place.streak = streak;
    const reason = place.failure ?? how;
    log.error('a worker ended; another takes its place', {
      pid: place.process.pid,
      reason,
      lived_ms: Math.round(livedMs),
      start_in_ms: delayMs,
      what_to_do: 'the lines before this one may say why; SIGKILL without any is mostly a limit of memory',
    });
    const again = () => {
      if (stopping === undefined) void run(place, fork()).catch(() => undefined);
    };
    if (delayMs === 0) again();
    else clock.after(delayMs, again);
  }

  let lookedAt = clock.mono();
  const endLooks = every(clock, checkMs, () => {
    const now = clock.mono();
    // When we were not there ourselves, silence says nothing.
    const wasAway = now - lookedAt > 2 * checkMs;
    lookedAt = now;
    for (const place of places) {
      if (wasAway) place.heardAt = now;
      if (now - place.heardAt < silentMs || !place.process.isAlive) continue;
      log.error('a worker does not answer and is killed', {
        pid: place.process.pid,
        what_to_do: 'give it more CPU, or fewer workers, when this comes again',
      });
      place.process.kill();
    }
  });

  function launch(): Promise<string> {
    const place: Place = {
      process: fork(),
      state: 'starting',
      startedAt: 0,
      heardAt: 0,
      restarts: 0,
      streak: 0,
      failure: undefined,
      ended: undefined,
    };
    places.push(place);
    return run(place, place.process);
  }

  async function endAll(kind: 'stop' | 'cut', withinMs: number): Promise<void> {
    endLooks();
    for (const place of places) place.state = 'stopping';
    for (const { process } of places) process.channel.send<Stop | Cut>({ kind });
    const cancel = clock.after(withinMs, () => {
      const late = places.filter(({ process }) => process.isAlive);
      if (late.length > 0)
        log.warn('workers that did not end were killed', {
          workers: late.length,
          what_to_do: 'raise server.shutdown_grace when calls take longer',
        });
      for (const { process } of late) process.kill();
    });
    await Promise.all(places.map(({ process }) => process.ended));
    cancel();
  }

  return {
    async start() {
      const url = await launch();
      await Promise.all(Array.from({ length: count - 1 }, launch));
      for (const { process } of places) if (!process.isAlive) await process.ended;
      // Those that end from here on are replaced when they do.
      isStarting = false;
      for (const place of places) if (place.ended !== undefined) restart(place, place.ended);
      return url;
    },
    get serving() {
      return places.some(({ state }) => state === 'serving');
    },
    view: () =>
      places.map(({ process, state, startedAt, restarts }) => ({
        pid: process.pid,
        state,
        uptimeMs: clock.mono() - startedAt,
        restarts,
      })),
    tell(message) {
      for (const { process } of places) process.channel.send(message);
    },
    stop() {
      stopping ??= endAll('stop', stopMs());
      return stopping;
    },
    cut() {
      const cut = endAll('cut', cutMs);
      stopping ??= cut;
      return cut;
    },
  };
}

import type { ChildProcess, Serializable } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import type { Channel, Message } from './channel.ts';
import { wholeLines } from './lines.ts';

/** A process that shares our listener. */
export interface WorkerProcess {
  readonly pid: number;
  readonly channel: Channel;
  readonly isAlive: boolean;
  /** Resolves to how it ended, once all it has written was handed on: `exit code 1`, `SIGKILL`. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends it at once. */
  kill(): void;
}

/**
 * Has workers be started as `program args`, with our own options of Node and our environment; `lines` takes what they
 * write to standard output, as whole lines. Connections go to them in turns.
 */
export function workerProcesses(program: string, args: readonly string[], lines: (text: string) => void) {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({
    exec: program,
    args: [...args],
    execArgv: process.execArgv,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  return (): WorkerProcess => {
    try {
      return started(cluster.fork(), lines);
    } catch (error) {
      return notStarted((error as NodeJS.ErrnoException).code ?? 'no process');
    }
  };
}

function started(worker: Worker, lines: (text: string) => void): WorkerProcess {
  const { process } = worker;
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  process.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  worker.on('error', (error) => {
    // A process that could not be started never closes.
    if (process.pid === undefined) resolve(error.message);
  });
  closeUnreceived(process);
  // A process that could not be started for want of files has none at all, whatever the type says.
  if (process.stdout) wholeLines(process.stdout, lines);
  return {
    pid: process.pid ?? 0,
    ended,
    get isAlive() {
      return process.pid !== undefined && process.exitCode === null && process.signalCode === null;
    },
    channel: {
      send(message) {
        if (process.connected) process.send(message, () => {});
      },
      listen(listener) {
        const on = (message: unknown) => listener(message as Message);
        worker.on('message', on);
        return () => worker.off('message', on);
      },
    },
    kill: () => void process.kill('SIGKILL'),
  };
}

/**
 * Closes the connection that was on its way to a process when that ended: node:cluster keeps it, and its caller would
 * wait for ever. One is on its way at a time; what confirms it is a message of Node's own, with its `seq` as `ack`.
 */
function closeUnreceived(process: ChildProcess): void {
  const { send } = process;
  if (send === undefined) return;
  let onWay: { readonly seq: unknown; readonly handle: { close?(): void } } | undefined;
  process.send = (message: Serializable, handle?: unknown, ...rest: unknown[]) => {
    if (typeof handle === 'object' && handle !== null) onWay = { seq: seqOf(message), handle };
    return Reflect.apply(send, process, [message, handle, ...rest]);
  };
  process.on('internalMessage', ({ ack }: { ack?: unknown }) => {
    if (ack !== undefined && ack === onWay?.seq) onWay = undefined;
  });
  // The last thing that happens, after all it has sent was read.
  process.on('close', () => onWay?.handle.close?.());
}

function seqOf(message: Serializable): unknown {
  return (message as { seq?: unknown }).seq;
}

/** A process that the system has refused. */
function notStarted(why: string): WorkerProcess {
  return {
    pid: 0,
    ended: Promise.resolve(why),
    isAlive: false,
    channel: { send() {}, listen: () => () => {} },
    kill() {},
  };
}

/** A worker's way to its parent; undefined in a process that no parent of ours has started. */
export function parentChannel(): Channel | undefined {
  if (!cluster.isWorker || process.send === undefined) return undefined;
  return {
    send(message) {
      if (process.connected) process.send?.(message, undefined, undefined, () => {});
    },
    listen(listener) {
      const on = (message: unknown) => listener(message as Message);
      process.on('message', on);
      return () => process.off('message', on);
    },
  };
}

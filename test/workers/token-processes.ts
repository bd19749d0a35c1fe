import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Channel, Message } from '../../src/workers/channel.ts';

/** Tells a child to call acquire() so often at once. */
export interface Acquire extends Message {
  readonly kind: 'acquire';
  readonly callers: number;
}

/** What came of it: how many calls had to wait, and the different values. */
export interface Acquired extends Message {
  readonly kind: 'acquired';
  readonly waited: number;
  readonly values: readonly string[];
}

export interface TokenProcess {
  readonly process: ChildProcess;
  readonly channel: Channel;
  acquire(callers: number): Promise<Acquired>;
  close(): Promise<void>;
}

/** Starts a process that gets its tokens over its channel. Resolves when it listens. */
export async function startTokenProcess(attach: (channel: Channel) => void): Promise<TokenProcess> {
  const process = fork(join(import.meta.dirname, 'token-child.ts'), [], { execArgv: [] });
  const channel: Channel = {
    send(message) {
      if (process.connected) process.send(message, () => {});
    },
    listen(listener) {
      process.on('message', listener as (message: unknown) => void);
      return () => process.off('message', listener as (message: unknown) => void);
    },
  };
  attach(channel);
  const next = (kind: string) =>
    new Promise<Message>((resolve) => {
      const ignore = channel.listen((message) => {
        if (message.kind !== kind) return;
        ignore();
        resolve(message);
      });
    });
  await next('ready');
  return {
    process,
    channel,
    async acquire(callers) {
      const acquired = next('acquired');
      channel.send<Acquire>({ kind: 'acquire', callers });
      return (await acquired) as Acquired;
    },
    async close() {
      if (process.exitCode !== null || process.signalCode !== null) return;
      process.kill('SIGKILL');
      await once(process, 'exit');
    },
  };
}

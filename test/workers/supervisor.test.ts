import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../src/workers/channel.ts';
import { restartDelay } from '../../src/workers/restart.ts';
import { createSupervisor, type Supervisor } from '../../src/workers/supervisor.ts';
import type { WorkerProcess } from '../../src/workers/worker-process.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A worker whose every word and end a test decides. */
class Scripted implements WorkerProcess {
  isAlive = true;
  readonly sent: Message[] = [];
  readonly #listeners = new Set<(message: Message) => void>();
  readonly #end = Promise.withResolvers<string>();
  readonly pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  readonly channel = {
    send: (message: Message) => void this.sent.push(message),
    listen: (listener: (message: Message) => void) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
  };

  get ended(): Promise<string> {
    return this.#end.promise;
  }

  says(message: Message & Record<string, unknown>): void {
    for (const listener of this.#listeners) listener(message);
  }

  listens(): void {
    this.says({ kind: 'listening', url: 'http://127.0.0.1:1' });
  }

  ends(how: string): void {
    this.isAlive = false;
    this.#end.resolve(how);
  }

  kill(): void {
    this.ends('SIGKILL');
  }

  get attached(): number {
    return this.#listeners.size;
  }
}

let clock: ManualClock;
let workers: Scripted[];
let lines: { message: string; fields: unknown }[];
let gone: number;
let supervisor: Supervisor;

beforeEach(() => {
  clock = new ManualClock();
  workers = [];
  lines = [];
  gone = 0;
  const tell = (message: string, fields?: unknown) => void lines.push({ message, fields });
  supervisor = createSupervisor({
    count: 2,
    clock,
    log: { warn: tell, error: tell },
    fork() {
      const worker = new Scripted(workers.length + 1);
      workers.push(worker);
      return worker;
    },
    begin: () => ({ kind: 'begin' }),
    attach: () => () => void gone++,
    stopMs: () => 35_000,
  });
});

afterEach(async () => {
  const stopped = supervisor.stop();
  for (const worker of workers) worker.ends('exit code 0');
  await stopped;
});

const worker = (index: number) => workers[index] as Scripted;

async function started(): Promise<void> {
  const url = supervisor.start();
  worker(0).listens();
  await clock.advance(0);
  worker(1).listens();
  expect(await url).toBe('http://127.0.0.1:1');
}

/** Says that all live are alive, second by second. */
async function pass(seconds: number, silent: readonly Scripted[] = []): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    for (const one of workers)
      if (one.isAlive && !silent.includes(one)) one.says({ kind: 'alive', counts: {} });
    await clock.advance(1_000);
  }
}

describe('the supervisor', () => {
  it('tells a worker how to serve once it says hello, and starts the second when the first listens', async () => {
    const url = supervisor.start();
    expect(worker(0).sent).toEqual([]);
    worker(0).says({ kind: 'hello' });
    expect(worker(0).sent).toEqual([{ kind: 'begin' }]);
    expect(workers).toHaveLength(1);
    expect(supervisor.serving).toBe(false);
    worker(0).listens();
    await clock.advance(0);
    expect(workers).toHaveLength(2);
    expect(supervisor.serving).toBe(true);
    worker(1).listens();
    await url;
    expect(supervisor.view().map(({ pid, state }) => ({ pid, state }))).toEqual([
      { pid: 1, state: 'serving' },
      { pid: 2, state: 'serving' },
    ]);
  });

  it('starts one in the place of one that ends while others start, and no more', async () => {
    const url = supervisor.start();
    worker(0).listens();
    await clock.advance(0);
    worker(0).isAlive = false;
    worker(1).listens();
    await clock.advance(0);
    worker(0).ends('SIGKILL');
    await url;
    await clock.advance(0);
    expect(workers).toHaveLength(3);
    expect(supervisor.view().map(({ pid, restarts }) => ({ pid, restarts }))).toEqual([
      { pid: 3, restarts: 1 },
      { pid: 2, restarts: 0 },
    ]);
  });

  it('kills whoever does not end at once when it is cut, also in the middle of a stop', async () => {
    await started();
    const stopped = supervisor.stop();
    const cut = supervisor.cut();
    expect(worker(0).sent.map(({ kind }) => kind)).toEqual(['stop', 'cut']);
    worker(1).ends('exit code 0');
    await clock.advance(1_000);
    await Promise.all([cut, stopped]);
    expect(worker(0).isAlive).toBe(false);
  });

  it('rejects with the reason of a worker that cannot serve', async () => {
    const url = supervisor.start();
    worker(0).says({ kind: 'failed', message: '127.0.0.1:80 is in use' });
    worker(0).ends('exit code 1');
    await expect(url).rejects.toThrow('127.0.0.1:80 is in use');
    expect(workers).toHaveLength(1);
  });

  it('starts another at once in the place of one that ended, and lets go of the old one', async () => {
    await started();
    worker(0).ends('SIGSEGV');
    await clock.advance(0);
    expect(workers).toHaveLength(3);
    expect(gone).toBe(1);
    expect(lines).toMatchObject([{ fields: { pid: 1, reason: 'SIGSEGV', start_in_ms: 0 } }]);
    worker(2).listens();
    expect(supervisor.view()[0]).toMatchObject({ pid: 3, state: 'serving', restarts: 1 });
  });

  it('waits longer and longer for one that does not last, up to half a minute, and forgets it after a good minute', async () => {
    await started();
    const starts: number[] = [];
    for (let i = 0; i < 9; i++) {
      const before = clock.mono();
      const count = workers.length;
      workers.at(-1)?.ends('exit code 1');
      for (let waited = 0; workers.length === count && waited < 40; waited++) await pass(1);
      starts.push(Math.round((clock.mono() - before) / 1_000));
      workers.at(-1)?.listens();
    }
    expect(starts).toEqual([1, 1, 2, 4, 8, 16, 30, 30, 30]);
    await pass(61);
    const count = workers.length;
    workers.at(-1)?.ends('exit code 1');
    await clock.advance(0);
    expect(workers).toHaveLength(count + 1);
  });

  it('kills one that says nothing for half a minute', async () => {
    await started();
    await pass(29, [worker(1)]);
    expect(worker(1).isAlive).toBe(true);
    await pass(7, [worker(1)]);
    expect(worker(0).isAlive).toBe(true);
    expect(worker(1).isAlive).toBe(false);
    expect(workers).toHaveLength(3);
  });

  it('takes no silence for a hang when it was not there itself', async () => {
    await started();
    // As after SIGSTOP and SIGCONT of all processes: the clock has gone on, and no timer has run.
    clock.step(120_000);
    await clock.advance(5_000);
    expect(worker(0).isAlive && worker(1).isAlive).toBe(true);
  });

  it('lets workers drain on a stop, and starts none in their place', async () => {
    await started();
    const stopped = supervisor.stop();
    expect(worker(0).sent.at(-1)).toEqual({ kind: 'stop' });
    expect(supervisor.serving).toBe(false);
    worker(0).ends('exit code 0');
    worker(1).ends('exit code 0');
    await stopped;
    expect(workers).toHaveLength(2);
  });

  it('kills those that do not end in time', async () => {
    await started();
    const stopped = supervisor.stop();
    worker(0).ends('exit code 0');
    await clock.advance(34_999);
    expect(worker(1).isAlive).toBe(true);
    await clock.advance(1);
    await stopped;
    expect(worker(1).isAlive).toBe(false);
  });

  it('starts none that was due when it is stopped', async () => {
    await started();
    worker(1).ends('exit code 1');
    await clock.advance(0);
    worker(2).ends('exit code 1');
    await clock.advance(0);
    worker(0).ends('exit code 0');
    await supervisor.stop();
    const count = workers.length;
    await clock.advance(60_000);
    expect(workers).toHaveLength(count);
  });
});

describe('the wait before a worker is started again', () => {
  it('is none after one that lived for a minute, however often it had ended before', () => {
    expect(restartDelay(7, 60_000)).toEqual({ delayMs: 0, streak: 1 });
  });
});

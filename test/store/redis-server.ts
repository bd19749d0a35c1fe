import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A real redis-server that keeps its data over a restart. */
export interface RedisServer {
  readonly port: number;
  /** Without a password. */
  readonly url: string;
  /** Where its append-only files lie. */
  readonly dir: string;
  /** Stops it as a crash would. */
  stop(): Promise<void>;
  /** Starts it again, with other directives if given, and waits until it takes connections. */
  start(directives?: readonly string[]): Promise<void>;
  /** It takes connections but answers nothing until `thaw()`. */
  freeze(): void;
  thaw(): void;
  /** Sends one command by itself and gives its reply as raw text. */
  command(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

/** Whether there is a redis-server to test with. Where tests run for others to rely on, there has to be. */
export function redisIsMissing(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'pipe' });
    return false;
  } catch (error) {
    if (process.env.CI) throw error;
    process.stderr.write('redis-server is not installed: the tests of the Redis store are skipped\n');
    return true;
  }
}

/** Starts a redis-server on a free port of 127.0.0.1. `directives` are lines of its configuration. */
export async function startRedis(directives: readonly string[] = []): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'cupbearer-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;

  const stop = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    running.kill('SIGKILL');
    await once(running, 'exit');
  };

  const start = async (now = directives) => {
    const started = spawn('redis-server', ['-'], { stdio: ['pipe', 'pipe', 'inherit'] });
    child = started;
    const config = [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${dir}`,
      'save ""',
      'appendonly yes',
      'appendfsync always',
      ...now,
    ];
    started.stdin?.end(`${config.join('\n')}\n`);
    for await (const chunk of started.stdout!) {
      if (String(chunk).includes('Ready to accept connections')) break;
    }
    if (started.exitCode !== null) throw new Error('redis-server did not start');
    started.stdout?.resume();
  };

  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    dir,
    stop,
    start,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    command: (...args) => command(port, args),
    async close() {
      await stop();
      rmSync(dir, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function command(port: number, args: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const parts = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
  socket.write(`*${args.length}\r\n${parts.join('')}`);
  let reply = String((await once(socket, 'data'))[0]);
  // A long reply comes in pieces.
  for (let more = ''; ; reply += more) {
    more = await Promise.race([once(socket, 'data').then(([chunk]) => String(chunk)), pause(20, '')]);
    if (more === '') break;
  }
  socket.destroy();
  return reply;
}

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real mosquitto that speaks MQTT over WebSocket. */
export interface Broker {
  /** Of its WebSocket listener, on 127.0.0.1. */
  readonly port: number;
  /** Who may connect. */
  readonly user: { readonly username: string; readonly password: string };
  close(): Promise<void>;
}

/** Whether there is a mosquitto to test with. Where tests run for others to rely on, there has to be. */
export function mosquittoIsMissing(): boolean {
  try {
    execFileSync('mosquitto_passwd', ['--help'], { stdio: 'pipe' });
  } catch (error) {
    // It has no option that ends with 0.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return false;
    if (process.env.CI) throw error;
    process.stderr.write('mosquitto is not installed: the tests of MQTT over WebSocket are skipped\n');
    return true;
  }
  return false;
}

/** Starts a mosquitto on free ports of 127.0.0.1 that lets one user in, and over WebSocket alone. */
export async function startMosquitto(): Promise<Broker> {
  const dir = mkdtempSync(join(tmpdir(), 'cupbearer-mosquitto-'));
  const user = { username: 'device', password: 'SENT-MQTT' };
  const passwords = join(dir, 'passwords');
  const file = join(dir, 'mosquitto.conf');
  writeFileSync(passwords, `${user.username}:${user.password}\n`);
  execFileSync('mosquitto_passwd', ['-U', passwords]);
  // Started by root it continues as a user of its own.
  chmodSync(dir, 0o755);
  chmodSync(passwords, 0o644);
  const [port, plainPort] = await freePorts();
  const config = [
    'log_dest stderr',
    'per_listener_settings true',
    `listener ${port} 127.0.0.1`,
    'protocol websockets',
    `password_file ${passwords}`,
    // With a WebSocket listener alone it does not start (eclipse-mosquitto/mosquitto#2578).
    `listener ${plainPort} 127.0.0.1`,
    'allow_anonymous true',
  ];
  writeFileSync(file, `${config.join('\n')}\n`);
  const child = spawn('mosquitto', ['-c', file], {
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  while (!/ running$/m.test(log)) {
    if (child.exitCode !== null) throw new Error(`mosquitto did not start: ${log}`);
    await Promise.race([once(child.stderr, 'data'), once(child, 'exit')]);
  }
  const pulse = keepAwake(plainPort);
  return {
    port,
    user,
    async close() {
      pulse.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
      rmSync(dir, { recursive: true });
    },
  };
}

/** Version 2.0 looks at WebSockets when a plain connection moves, else every 100 ms and then for 4 KiB: so one moves. */
function keepAwake(port: number): Socket {
  const connectPacket = Buffer.from('\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02aw', 'latin1');
  const pingPacket = Buffer.from('\xc0\x00', 'latin1');
  const socket = connect(port, '127.0.0.1');
  socket.write(connectPacket);
  socket.on('data', () => socket.write(pingPacket));
  socket.on('error', () => {});
  return socket;
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer().listen(0, '127.0.0.1'), createServer().listen(0, '127.0.0.1')] as const;
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening');
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports as [number, number];
}

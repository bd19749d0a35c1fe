import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** A port whose connections are not refused and never made, as behind a firewall that drops packets. */
export interface BlackHole {
  readonly port: number;
  close(): Promise<void>;
}

// Listens and then never looks: what the kernel keeps waiting is full after a few.
const listener = `
const { parentPort } = require('node:worker_threads');
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

export async function blackHole(): Promise<BlackHole> {
  const worker = new Worker(listener, { eval: true });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const sockets: Socket[] = [];
  while (sockets.length < 20 && (await isTaken(port, sockets)));
  return {
    port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await worker.terminate();
    },
  };
}

function isTaken(port: number, sockets: Socket[]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false));
    sockets.push(socket);
    setTimeout(() => resolve(false), 300);
  });
}

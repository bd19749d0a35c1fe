import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Narrator } from './narrator.ts';
import { fieldOf } from './report.ts';
import type { RevolutionVendor } from './revolution.ts';
import { separator } from './signalr-protocol.ts';

export interface HubTourOptions {
  readonly revolution: RevolutionVendor;
  /** Where the proxy listens, with the shipped routes.yaml. */
  readonly proxyUrl: string;
  readonly narrator: Narrator;
}

/** How long the hub may take for everything, ms. */
const patience = 5_000;

/** Shows a client without a token that holds a WebSocket connection to a SignalR hub. */
export async function hubTour({ revolution, proxyUrl, narrator }: HubTourOptions): Promise<void> {
  narrator.title('9. A WebSocket to a SignalR hub');
  const url = `${proxyUrl.replace(/^http/, 'ws')}/revolution/hubs/devices`;
  const seen = revolution.seen.length;
  narrator.say(`  new WebSocket('${url}')`);
  const socket = new WebSocket(url);
  const heard: string[] = [];
  socket.on('message', (data) => heard.push(...String(data).split(separator).filter(Boolean)));
  try {
    await once(socket, 'open', { signal: AbortSignal.timeout(patience) });
    send(socket, { protocol: 'json', version: 1 });
    send(socket, { type: 1, invocationId: '1', target: 'Subscribe', arguments: ['dev_1'] });
    send(socket, { type: 1, target: 'SendCommand', arguments: ['dev_1', 'restart'] });
    await narrator.becomes(() => heard.some((message) => message.includes('CommandQueued')));
  } catch (error) {
    heard.push(String(error));
  } finally {
    socket.terminate();
  }
  const requests = revolution.seen.slice(seen);
  for (const request of requests) narrator.show(request);
  const handshake = requests.find(({ path }) => path.endsWith('/hubs/devices'));
  for (const message of heard) narrator.say(`    hub said    ${message}`);
  const token = fieldOf(handshake, 'authorization')?.startsWith('Bearer ') === true;
  narrator.check('the handshake had no token when it left and one when it arrived', token, 'none');
  narrator.check(
    'the vendor switched to WebSocket',
    handshake?.status === 101,
    handshake?.status ?? 'no handshake',
  );
  narrator.check(
    'the hub answered the call',
    heard.some((message) => /"invocationId":"1","result"/.test(message)),
    heard.join(' '),
  );
  narrator.check(
    'its event came without being asked for',
    heard.some((message) => message.includes('"target":"CommandQueued"')),
    heard.join(' '),
  );
}

function send(socket: WebSocket, message: object): void {
  socket.send(`${JSON.stringify(message)}${separator}`);
}

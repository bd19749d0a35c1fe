import {
  HttpTransportType,
  type HubConnection,
  HubConnectionBuilder,
  type IHttpConnectionOptions,
  LogLevel,
} from '@microsoft/signalr';

/** The ways in which the official client reaches a hub. */
export const hubWays = [
  'WebSockets',
  'WebSockets without negotiation',
  'ServerSentEvents',
  'LongPolling',
] as const;
export type HubWay = (typeof hubWays)[number];

/** A connection of the official client, not yet started, that goes this way alone, or by any that works. */
export function hubConnection(
  url: string,
  way: HubWay | undefined,
  options: IHttpConnectionOptions = {},
): HubConnection {
  const skipNegotiation = way === 'WebSockets without negotiation';
  const transport = way && HttpTransportType[skipNegotiation ? 'WebSockets' : way];
  return new HubConnectionBuilder()
    .withUrl(url, { ...options, skipNegotiation, ...(transport === undefined ? {} : { transport }) })
    .configureLogging(LogLevel.None)
    .build();
}

/** What the hub of the simulated Revolution gave to a connection: a result, its events, a stream, a refusal. */
export interface HubWork {
  readonly device: unknown;
  readonly queued: unknown;
  readonly events: readonly unknown[];
  readonly readings: readonly number[];
  readonly refusal: string;
}

/** Subscribes, sends a command and waits for its event, reads a stream, and calls what is not there. */
export async function workWithHub(connection: HubConnection, device = 'dev_1'): Promise<HubWork> {
  const events: unknown[] = [];
  const event = new Promise<void>((resolve) => {
    connection.on('CommandQueued', (queued) => {
      events.push(queued);
      resolve();
    });
  });
  const subscribed = await connection.invoke('Subscribe', device);
  const queued = await connection.invoke('SendCommand', device, 'restart');
  await event;
  connection.off('CommandQueued');
  const readings: number[] = [];
  await new Promise<void>((resolve, reject) => {
    connection.stream<number>('Readings', 3, 5).subscribe({
      next: (reading) => void readings.push(reading),
      complete: resolve,
      error: reject,
    });
  });
  const refusal = await connection.invoke('Nothing').then(String, (error: Error) => error.message);
  return { device: subscribed, queued, events, readings, refusal };
}

/** What `workWithHub` gives when everything works. */
export function goodHubWork(anything: unknown, device = 'dev_1'): Record<keyof HubWork, unknown> {
  const queued = { id: anything, device, command: 'restart', state: 'queued' };
  return {
    device: { id: device, name: anything, online: anything },
    queued,
    events: [queued],
    readings: [1, 2, 3],
    refusal: "The hub has no method 'Nothing' that can be called so.",
  };
}

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceById } from './revolution-api.ts';
import type { Hub, HubClient } from './signalr-protocol.ts';

/**
 * The hub of devices. The page says that SignalR calls need the bearer token and names neither a hub nor a method: these
 * are there to be proxied.
 * - `Subscribe(deviceId)` gives the device, and from then on its `CommandQueued` events.
 * - `SendCommand(deviceId, command)` gives the queued command and tells the subscribers.
 * - `Readings(count, interval)` streams numbers, `interval` milliseconds apart.
 */
export function deviceHub(): Hub {
  const subscribers = new Map<HubClient, Set<string>>();
  return {
    methods: {
      Subscribe(client, deviceId) {
        const device = known(deviceId);
        subscribers.set(client, (subscribers.get(client) ?? new Set()).add(device.id));
        return device;
      },
      SendCommand(_client, deviceId, command) {
        const { id } = known(deviceId);
        if (typeof command !== 'string') throw new Error('command is required.');
        const queued = { id: randomUUID(), device: id, command, state: 'queued' };
        for (const [client, devices] of subscribers)
          if (devices.has(id)) client.send('CommandQueued', queued);
        return queued;
      },
    },
    streams: { Readings: readings },
    left: (client) => void subscribers.delete(client),
  };
}

async function* readings(signal: AbortSignal, count: unknown, interval: unknown): AsyncGenerator<number> {
  for (let i = 1; i <= Number(count); i++) {
    if (i > 1) await sleep(Number(interval), undefined, { signal });
    yield i;
  }
}

function known(id: unknown) {
  const device = deviceById(id);
  if (device === undefined) throw new Error('No such device.');
  return device;
}

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, hasMediaType, readJson } from './message.ts';
import type { Endpoint } from './vendor.ts';

const devices = [
  { id: 'dev_1', name: 'Lobby display', online: true },
  { id: 'dev_2', name: 'Boiler room sensor', online: true },
  { id: 'dev_3', name: 'Gate controller', online: false },
];

export function deviceById(id: unknown) {
  return devices.find((one) => one.id === id);
}

/** What there is to call with a token. */
export const apiEndpoints: readonly Endpoint[] = [
  { method: 'GET', path: /^\/v1\/devices$/, answer: () => ({ status: 200, json: devices }) },
  {
    method: 'GET',
    path: /^\/v1\/devices\/(\w+)$/,
    answer(_request, _token, [id]) {
      const device = deviceById(id);
      return device ? { status: 200, json: device } : oauthError(404, 'not_found', 'No such device.');
    },
  },
  {
    method: 'POST',
    path: /^\/v1\/devices\/(\w+)\/commands$/,
    answer(request, _token, [id]) {
      const body = hasMediaType(request, 'application/json') ? readJson(request) : undefined;
      if (typeof body?.command !== 'string')
        return oauthError(400, 'invalid_request', 'command is required.');
      return { status: 202, json: { id: randomUUID(), device: id, command: body.command, state: 'queued' } };
    },
  },
  {
    method: 'GET',
    path: /^\/v1\/events$/,
    answer: ({ query }) => ({
      status: 200,
      headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' },
      stream: events(numberOf(query.get('count'), 3), numberOf(query.get('interval'), 100)),
    }),
  },
];

/** `count` server-sent events, `interval` milliseconds apart, the first at once. */
async function* events(count: number, interval: number): AsyncGenerator<string> {
  for (let i = 0; i < count; i++) {
    if (i > 0) await sleep(interval);
    const device = devices[i % devices.length];
    yield `id: ${i + 1}\nevent: device\ndata: ${JSON.stringify(device)}\n\n`;
  }
}

function numberOf(text: string | null, fallback: number): number {
  const value = Number(text ?? fallback);
  return Number.isSafeInteger(value) && value >= 0 ? value : fallback;
}

/** RFC 6749 §5.2. */
export function oauthError(status: number, error: string, description: string): Answer {
  return { status, json: { error, error_description: description } };
}

// undici's own entry loads all it has, fetch, WebSocket, caches and mocks too: 4 MiB and a fifth of the CPU time of a start.
// These are parts of its inside, so its version is pinned.
import type { Dispatcher } from 'undici';
import requestOf from 'undici/lib/api/api-request.js';
import buildConnector from 'undici/lib/core/connect.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Client from 'undici/lib/dispatcher/client.js';
import Pool from 'undici/lib/dispatcher/pool.js';

export { Agent, buildConnector, Client, Pool };

export interface RequestInit extends Omit<Dispatcher.RequestOptions, 'path' | 'origin'> {
  readonly dispatcher: Dispatcher;
}

/** One request to an absolute URL by way of a dispatcher, as undici's `request`. Rejects as that does. */
export function request(
  url: string,
  { dispatcher, ...options }: RequestInit,
): Promise<Dispatcher.ResponseData> {
  const { origin, pathname, search } = new URL(url);
  return requestOf.call(dispatcher, { ...options, origin, path: pathname + search });
}

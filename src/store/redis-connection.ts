import { once } from 'node:events';
import { createClient } from '@redis/client';
import type { Secret } from '../config/secret.ts';
import { CupbearerError } from '../errors.ts';
import { isReadOnly, toStoreError } from './redis-error.ts';

type Client = ReturnType<typeof newClient>;

/** A connection that comes back when the server does. */
export interface RedisConnection {
  /**
   * Runs one command. Rejects with CupbearerError `store-unavailable` when there is no answer within 2 s or the answer
   * is an error; the command may have been carried out then.
   */
  run<T>(command: (client: Client) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const connectMs = 3_000;
const commandMs = 2_000;
const closeMs = 500;
const longestPauseMs = 500;

/**
 * Connects in the background to `redis://user:password@host:port/database`, or with TLS and certificate checks to
 * `rediss://…`. Throws CupbearerError `configuration-invalid` when it is no such URL; never for the server's sake.
 */
export function connectRedis(url: Secret): RedisConnection {
  const target = parse(url.reveal());
  const { server } = target;
  let current = start(target);
  let closed = false;

  /** A connection that does not answer may be dead for minutes before the system notices. */
  const replace = (stale: Client) => {
    if (closed || stale !== current.client) return;
    stale.destroy();
    current = start(target);
  };

  return {
    async run(command) {
      if (closed) throw unavailable(server, 'it is closed');
      const end = performance.now() + commandMs;
      const { client, attempt } = current;
      try {
        if (!client.isReady) await within(end, attempt());
        return await within(end, command(client));
      } catch (error) {
        if (error instanceof Late || isReadOnly(error)) replace(client);
        throw error instanceof Late
          ? unavailable(server, `no answer within ${commandMs / 1000} s`)
          : toStoreError(error, server);
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      const { client } = current;
      if (client.isReady) await within(performance.now() + closeMs, client.close()).catch(() => {});
      if (client.isOpen) client.destroy();
    },
  };
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
  readonly database: number;
  /** host:port, for messages. */
  readonly server: string;
}

function parse(url: string): Target {
  const parsed = URL.parse(url);
  const [, database = '0'] = /^\/?(\d{1,5})?$/.exec(parsed?.pathname ?? '') ?? [undefined, ''];
  try {
    if (parsed && /^rediss?:$/.test(parsed.protocol) && parsed.hostname !== '' && database !== '') {
      const port = Number(parsed.port || 6379);
      return {
        host: parsed.hostname.replace(/^\[|\]$/g, ''),
        port,
        tls: parsed.protocol === 'rediss:',
        username: decodeURIComponent(parsed.username),
        password: decodeURIComponent(parsed.password),
        database: Number(database),
        server: `${parsed.hostname}:${port}`,
      };
    }
  } catch {
    // A user or password with a stray percent sign.
  }
  throw new CupbearerError(
    'configuration-invalid',
    'store.url is no Redis URL: write redis://user:password@host:6379/0, with special characters percent-encoded',
  );
}

interface Started {
  readonly client: Client;
  /** The next outcome of connecting: resolves when it is ready, rejects with what an attempt failed for. */
  attempt(): Promise<unknown>;
}

function start(target: Target): Started {
  const client = newClient(target);
  let next: Promise<unknown> | undefined;
  // Without a listener an error would end the process; `attempt` hands it to those who wait.
  client.on('error', () => {});
  client.connect().catch(() => {});
  return {
    client,
    attempt() {
      next ??= once(client, 'ready').finally(() => {
        next = undefined;
      });
      return next;
    },
  };
}

function newClient({ host, port, tls, username, password, database }: Target) {
  const socket = {
    host,
    port,
    connectTimeout: connectMs,
    reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, longestPauseMs),
  };
  return createClient({
    socket: tls ? { ...socket, tls, rejectUnauthorized: true } : socket,
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    database,
    RESP: 2,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
  });
}

class Late extends Error {}

/** The promise's outcome, or a rejection with Late at `end` (performance.now()). */
async function within<T>(end: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Late()), end - performance.now());
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function unavailable(server: string, why: string): CupbearerError {
  return new CupbearerError(
    'store-unavailable',
    `the session store Redis at ${server} cannot be used: ${why}`,
  );
}

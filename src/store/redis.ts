import { RESP_TYPES } from '@redis/client';
import type { Secret } from '../config/secret.ts';
import type { Backend, Row } from './record.ts';
import { connectRedis } from './redis-connection.ts';

/*
 * cupbearer:session:NAME is a hash of head and sealed; cupbearer:lease:NAME a string that expires by the server's own
 * clock. Each script runs as one step (https://redis.io/docs/latest/develop/programmability/eval-intro/) on one key.
 */
const sessionPrefix = 'cupbearer:session:';
const leasePrefix = 'cupbearer:lease:';

const swapScript = `
if ARGV[2] == '' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
else
  local was = redis.call('HMGET', KEYS[1], 'head', 'sealed')
  if was[1] ~= ARGV[1] or was[2] ~= ARGV[2] then return 0 end
end
redis.call('HSET', KEYS[1], 'head', ARGV[3], 'sealed', ARGV[4])
return 1`;

const leaseScript = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return owner end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`;

const releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0`;

/**
 * Rows in Redis. Returns at once and connects in the background; each method rejects with CupbearerError
 * `store-unavailable` within 2 s while the server is down. A write is as durable as the server's `appendonly` and
 * `appendfsync` settings make it. Throws `configuration-invalid` when the URL is none of Redis.
 */
export function openRedis(url: Secret): Backend {
  const { run, close } = connectRedis(url);
  const evaluate = (script: string, key: string, ...args: (string | Buffer)[]) =>
    run((client) => client.eval(script, { keys: [key], arguments: args }));
  return {
    kind: 'redis',
    async read(name) {
      const fields = await run((client) =>
        client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).hGetAll(sessionPrefix + name),
      );
      return toRow(fields);
    },
    async swap(name, was, next) {
      const args = [was?.head ?? '', bytes(was?.sealed), next.head, bytes(next.sealed)];
      return (await evaluate(swapScript, sessionPrefix + name, ...args)) === 1;
    },
    async remove(name) {
      await run((client) => client.del(sessionPrefix + name));
    },
    async names() {
      // SCAN may give a key more than once.
      const found = new Set<string>();
      let cursor = '0';
      do {
        const page = await run((client) => client.scan(cursor, { MATCH: `${sessionPrefix}*`, COUNT: 1_000 }));
        for (const key of page.keys) found.add(key.slice(sessionPrefix.length));
        cursor = page.cursor;
      } while (cursor !== '0');
      return [...found].sort();
    },
    async lease(name, owner, ttlMs) {
      const ttl = String(Math.max(1, Math.ceil(ttlMs)));
      return String(await evaluate(leaseScript, leasePrefix + name, owner, ttl));
    },
    async release(name, owner) {
      await evaluate(releaseScript, leasePrefix + name, owner);
    },
    close,
  };
}

/** A hash without the field `sealed` is not ours: it counts as an empty row, which does not open. */
function toRow(fields: Record<string, Buffer>): Row | undefined {
  if (Object.keys(fields).length === 0) return undefined;
  const { head, sealed } = fields;
  return { head: head?.toString() ?? '', sealed: sealed ?? Buffer.alloc(0) };
}

function bytes(sealed: Uint8Array | undefined): Buffer {
  return sealed ? Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength) : Buffer.alloc(0);
}

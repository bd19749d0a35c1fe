import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { TokenEvents } from '../../src/token/events.ts';
import { createRegistry } from '../../src/token/registry.ts';
import { configOf } from '../support/config.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { carried, closing, now, until } from './setting.ts';

/** A registry of `key`, whose token is in a file, and of `device`, which asks for its tokens with it. */
async function open(warm = false) {
  const dir = mkdtempSync(join(tmpdir(), 'cupbearer-key-'));
  closing(async () => rmSync(dir, { recursive: true }));
  const file = join(dir, 'key');
  writeFileSync(file, 'one');
  const endpoint = await startTokenEndpoint((count, { headers }) =>
    headers.authorization === 'Bearer two'
      ? { json: { access_token: `t${count}`, expires_in: 3600 } }
      : { status: 401, json: { error: 'invalid_token' } },
  );
  closing(() => endpoint.close());
  const yaml = `
providers: { vendor: { token: { url: "${endpoint.url}", client_auth: none } } }
credentials:
  key: { provider: bearer-key, grant_type: static, token: "\${file:${file}}", warm: ${warm} }
  device: { provider: vendor, using: key }
routes:
  /key: { credential: key, upstream: "https://api.example" }
  /device: { credential: device, upstream: "https://api.example" }
`;
  const config = configOf(yaml);
  const clock = new ManualClock();
  const noted: string[] = [];
  const told: string[] = [];
  const events: TokenEvents = {
    adopted: ({ credential, gen, lifetimeLeftMs }) => told.push(`${credential} ${gen} ${lifetimeLeftMs}`),
    fetched: ({ credential }) => told.push(`${credential} fetched`),
    noop: ({ credential }) => told.push(`${credential} noop`),
  };
  const registry = createRegistry({
    config,
    clock,
    store: createMemoryStore(() => clock.wall()),
    events,
    note: (secret) => noted.push(secret),
  });
  closing(() => registry.close());
  return { file, endpoint, clock, registry, noted, told };
}

const upstream = 'https://api.example';

describe('a key of the configuration', () => {
  it('is there without a request, has no end, and is known to the scrubber', async () => {
    const { registry, endpoint, noted, told, clock } = await open();
    const token = await registry.get('key').acquire();
    expect(token.fields).toEqual(['Authorization', 'Bearer one']);
    expect(noted).toEqual(['one']);
    expect(told).toEqual(['key 1 undefined']);
    clock.step(10 * 365 * 86_400_000);
    expect(now(registry.get('key').acquire())).toBe(token);
    const view = registry.view().find(({ credential }) => credential === 'key');
    expect(view).toMatchObject({
      region: 'FRESH',
      refresh: 'IDLE',
      lifetimeLeftMs: undefined,
      hadToken: true,
    });
    expect(endpoint.calls).toEqual([]);
  });

  it('is warm at once', async () => {
    const { registry } = await open(true);
    registry.start();
    await until(() => registry.waitingFor().length === 0);
  });

  it('that is refused is read again without a pause, however young; the same one is not worth a replay', async () => {
    const { registry, file, told } = await open();
    const key = registry.get('key');
    const token = await key.acquire();
    expect(await key.rejected(token, upstream)).toBeUndefined();
    expect(now(key.acquire()).hash).toBe(token.hash);
    writeFileSync(file, 'two');
    expect(carried(await key.rejected(token, upstream))).toBe('two');
    expect(told).toEqual(['key 1 undefined', 'key 1 undefined', 'key 2 undefined']);
  });

  it('that an emptied file no longer has stays', async () => {
    const { registry, file } = await open();
    const key = registry.get('key');
    const token = await key.acquire();
    writeFileSync(file, '');
    registry.rereadSecrets();
    expect(await key.rejected(token, upstream)).toBeUndefined();
    expect(carried(await key.acquire())).toBe('one');
  });

  it('cannot be revoked, and is there again afterwards', async () => {
    const { registry } = await open();
    await registry.get('key').acquire();
    expect(await registry.revoke('key')).toMatchObject({ revoked: 0, unsupported: true });
    expect(carried(await registry.get('key').acquire())).toBe('one');
  });

  it('may ask for the tokens of another credential, and is read again when it is refused there', async () => {
    const { registry, file, endpoint } = await open();
    writeFileSync(file, 'one');
    await registry.get('key').acquire();
    writeFileSync(file, 'two');
    expect(carried(await registry.get('device').acquire())).toBe('t2');
    expect(endpoint.calls.map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two']);
  });
});

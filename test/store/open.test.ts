import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoreConfig } from '../../src/config/schema.ts';
import { Secret } from '../../src/config/secret.ts';
import { openStore } from '../../src/store/open.ts';
import { failureOf, newKey } from './sessions.ts';

const now = () => Date.now();

describe('opening a store', () => {
  it('gives the memory store without a key', async () => {
    expect((await openStore({ url: { kind: 'memory' } }, { now })).kind).toBe('memory');
  });

  it.each<StoreConfig['url']>([
    { kind: 'sqlite', path: join(tmpdir(), 'never-made', 'sessions.db') },
    { kind: 'redis', url: new Secret('redis://127.0.0.1:1') },
  ])('needs a key for $kind', async (url) => {
    for (const key of [undefined, []]) {
      const { message } = await failureOf(() => openStore({ url, key }, { now }), 'configuration-invalid');
      expect(message).toContain('store.key is missing');
      expect(message).toContain('openssl rand -base64 32');
    }
    const key = new Secret('dG9vIHNob3J0');
    const { message } = await failureOf(() => openStore({ url, key }, { now }), 'configuration-invalid');
    expect(message).not.toContain(key.reveal());
  });

  it('loads only the client of the store that is configured, and prints nothing', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cupbearer-store-'));
    try {
      const sqlite = `sqlite:${join(dir, 'sessions.db')}`;
      expect(loaded('memory:', dir)).toEqual([]);
      expect(loaded(sqlite, dir)).toEqual(['node:sqlite']);
      expect(loaded('redis://127.0.0.1:1', dir)).toEqual(['@redis/client']);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

/** Which of the two clients a fresh process has loaded once it has opened the store. */
function loaded(url: string, cwd: string): string[] {
  const path = (name: string) => JSON.stringify(new URL(`../../src/${name}`, import.meta.url).href);
  const script = `
    import { createRequire } from 'node:module';
    import { openStore } from ${path('store/open.ts')};
    import { Secret } from ${path('config/secret.ts')};
    const [, given, key] = process.argv;
    const sqlite = /^sqlite:(.*)$/.exec(given)?.[1];
    const url = sqlite
      ? { kind: 'sqlite', path: sqlite }
      : given === 'memory:' ? { kind: 'memory' } : { kind: 'redis', url: new Secret(given) };
    const store = await openStore({ url, key: new Secret(key) }, { now: Date.now });
    const clients = [];
    if (process.moduleLoadList.some((name) => name === 'NativeModule sqlite')) clients.push('node:sqlite');
    const { cache } = createRequire(import.meta.url);
    if (Object.keys(cache).some((file) => file.includes('/@redis/client/'))) clients.push('@redis/client');
    console.log(JSON.stringify(clients));
    await store.close();
  `;
  const args = ['--input-type=module', '--eval', script, url, newKey().reveal()];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { Secret } from '../../src/config/secret.ts';
import { openStore } from '../../src/store/open.ts';
import type { Counting } from './counting.ts';

const acme = { credential: 'acme' };
const { mode, path, key, times, counter = '' } = JSON.parse(await text(process.stdin)) as Counting;
const store = await openStore(
  { url: { kind: 'sqlite', path }, key: new Secret(key) },
  { now: () => Date.now() },
);

async function compare(): Promise<void> {
  for (;;) {
    const session = await store.load(acme);
    const next = { head: randomUUID(), refresh_token: `${Number(session?.refresh_token ?? 0) + 1}` };
    if (await store.compareAndSet(acme, session?.head, next)) return;
  }
}

async function lease(): Promise<void> {
  const owner = randomUUID();
  while ((await store.lease(acme, owner, 60_000)) !== owner) await pause(1);
  const count = existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : 0;
  await pause(1);
  writeFileSync(counter, `${count + 1}`);
  await store.release(acme, owner);
}

for (let i = 0; i < times; i++) await (mode === 'compare' ? compare() : lease());
await store.close();
